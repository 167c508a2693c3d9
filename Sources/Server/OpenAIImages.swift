import Checkpoints
import Diffusion
import FlyingFox
import Foundation
import Images
import Moonlit

/// OpenAI's images API: `POST /v1/images/generations`, at once or as a stream of events, and `GET /v1/models`.
///
/// What it does not know is named as `moonlit generate` names it: `seed`, `steps`, `sampler`, `schedule`,
/// `guidance_scale`, `negative_prompt`.
struct OpenAIImages {
    let studio: Studio

    func add(to routes: inout RoutedHTTPHandler) {
        routes.appendRoute("GET /v1/models") { _ in try .json(models) }
        routes.appendRoute("POST /v1/images/generations") { request in
            do { return try await generate(request.json(Asked.self)) } catch {
                let refusal = Refusal(error)
                return try .json(Failure(refusal), status: refusal.status)
            }
        }
    }

    // MARK: What is asked

    struct Asked: Decodable, Sendable {
        var prompt: String
        var n: Number<Int>?
        /// `auto`, or width and height as `64x64`.
        var size: String?
        var response_format: String?
        /// `png`, `jpeg` or `webp`.
        var output_format: String?
        /// 1 to 100, of JPEG and WebP.
        var output_compression: Number<Int>?
        var stream: Bool?
        /// Of each picture on its way at most, in a stream.
        var partial_images: Number<Int>?

        var negative_prompt: String?
        var seed: Seed?
        var steps: Number<Int>?
        var sampler: String?
        var schedule: String?
        var guidance_scale: Number<Double>?

        /// Pictures of one request.
        static let most = 64

        func request() throws -> GenerationRequest {
            let count = n?.value ?? 1
            guard (1...Self.most).contains(count) else { throw Refusal(key: "n", reason: "n is \(count); expected 1 to \(Self.most)") }
            guard response_format ?? "b64_json" == "b64_json" else {
                throw Refusal(key: "response_format", reason: "pictures are sent as b64_json; none are kept here to be fetched by url")
            }
            let partial = partial_images?.value ?? 0
            guard (0...1000).contains(partial) else {
                throw Refusal(key: "partial_images", reason: "partial_images is \(partial); expected 0 to 1000")
            }
            if let quality = output_compression?.value, !(1...100).contains(quality) {
                throw Refusal(key: "output_compression", reason: "output_compression is \(quality); expected 1 to 100")
            }
            var request = GenerationRequest(
                prompt: prompt, negativePrompt: negative_prompt ?? "", seed: seed?.value ?? Seed.drawn, count: count,
                sampler: try sampler.map { try SamplerName.asked($0, key: "sampler") }, steps: steps?.value,
                schedule: schedule, guidanceScale: guidance_scale?.value)
            if let size, size != "auto" {
                let sides = size.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
                guard sides.count == 2, let width = sides[0], let height = sides[1] else {
                    throw Refusal(key: "size", reason: "size is \(size); expected auto, or width and height as 64x64")
                }
                (request.width, request.height) = (width, height)
            }
            return request
        }

        func format() throws -> PictureFormat {
            let name = output_format ?? "png"
            guard let format = PictureFormat(rawValue: name) else {
                throw Refusal(key: "output_format", reason: "output_format is \(name); expected png, jpeg or webp")
            }
            return format
        }
    }

    enum PictureFormat: String, Sendable {
        case png, jpeg, webp

        func base64(_ picture: Picture, texts: [PNGText] = [], quality: Int?) throws -> String {
            let bytes =
                switch self {
                case .png: try picture.pngData(texts: texts)
                case .jpeg: try picture.jpegData(quality: quality ?? 92)
                case .webp: try picture.webpData(quality: quality.map { Float($0) })
                }
            return Data(bytes).base64EncodedString()
        }
    }

    // MARK: What is answered

    struct Answer: Encodable {
        struct Entry: Encodable {
            let b64_json: String
            let seed: UInt64
        }
        let created = Int(Date().timeIntervalSince1970)
        let data: [Entry]
        let output_format: String
        let size: String
    }

    struct Event: Encodable, Sendable {
        let type: String
        let b64_json: String
        let created_at = Int(Date().timeIntervalSince1970)
        var partial_image_index: Int?
        /// Of which picture of the request.
        let image_index: Int
        var step: Int?
        var steps: Int?
        var seed: UInt64?
        let output_format: String
        let size: String
    }

    struct Failure: Encodable, Sendable {
        struct Reason: Encodable, Sendable {
            let message: String
            let type: String
            let param: String?
            let code: String?
        }
        let type = "error"
        let error: Reason

        init(_ refusal: Refusal) {
            error = Reason(
                message: refusal.reason, type: refusal.status.code < 500 ? "invalid_request_error" : "server_error",
                param: refusal.key, code: nil)
        }
    }

    private struct Models: Encodable {
        struct Entry: Encodable {
            let id: String
            let object = "model"
            let created = 0
            let owned_by = "moonlit"
            let steps: Int
            let guidance_scale: Double
            let sampler: String
            let image_size: Int
        }
        let object = "list"
        let data: [Entry]
    }

    private var models: Models {
        let configuration = studio.model.configuration
        return Models(data: [
            .init(
                id: configuration.name, steps: configuration.sampling.steps,
                guidance_scale: configuration.sampling.guidanceScale, sampler: configuration.sampling.sampler.rawValue,
                image_size: configuration.imageSize)
        ])
    }

    private func generate(_ asked: Asked) async throws -> HTTPResponse {
        let (request, format) = (try asked.request(), try asked.format())
        // What cannot be met is said by the status, before a stream begins.
        let job = try await studio.admit(request)
        if asked.stream == true { return events(asked, job, format).response }
        let pictures = try await studio.draw(job)
        let entries = try pictures.map {
            Answer.Entry(
                b64_json: try format.base64($0.picture, texts: $0.texts(), quality: asked.output_compression?.value),
                seed: $0.settings.seed)
        }
        return try .json(
            Answer(data: entries, output_format: format.rawValue, size: pictures.first?.picture.size ?? ""))
    }

    private func events(_ asked: Asked, _ job: Studio.Job, _ format: PictureFormat) -> EventStream {
        let (wanted, quality) = (asked.partial_images?.value ?? 0, asked.output_compression?.value)
        let interval = Studio.interval(previews: wanted, steps: job.steps)
        return EventStream { stream in
            do {
                let pictures = try await studio.draw(job, previews: wanted) { step in
                    stream.beat()
                    let place = step.index / interval
                    guard !step.isLast, place < wanted else { return }
                    for (index, preview) in step.previews.enumerated() {
                        let type = "image_generation.partial_image"
                        try stream.send(
                            type,
                            Event(
                                type: type, b64_json: format.base64(preview, quality: quality), partial_image_index: place,
                                image_index: step.firstPicture + index, step: step.index + 1, steps: step.count,
                                output_format: format.rawValue, size: preview.size))
                    }
                }
                for (index, picture) in pictures.enumerated() {
                    let type = "image_generation.completed"
                    try stream.send(
                        type,
                        Event(
                            type: type,
                            b64_json: format.base64(picture.picture, texts: picture.texts(), quality: quality),
                            image_index: index, seed: picture.settings.seed, output_format: format.rawValue,
                            size: picture.picture.size))
                }
            } catch {
                try? stream.send("error", Failure(Refusal(error)))
            }
        }
    }
}

extension Picture {
    fileprivate var size: String { "\(width)x\(height)" }
}

extension SamplerName {
    /// By our name or by the web UI's.
    static func asked(_ name: String, key: String) throws -> SamplerName {
        if let known = Self(rawValue: name.lowercased()) { return known }
        if let known = allCases.first(where: { $0.webUIName.lowercased() == name.lowercased() }) { return known }
        throw Refusal(
            key: key, reason: "there is no \(key) “\(name)”; expected one of \(allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// As the web UI's menu calls it.
    var webUIName: String {
        switch self {
        case .ddpm: "DDPM"
        case .ddim: "DDIM"
        case .pndm: "PLMS"
        case .euler: "Euler"
        case .eulerAncestral: "Euler a"
        case .heun: "Heun"
        case .dpmSolver2M: "DPM++ 2M"
        case .dpmSolver2MSDE: "DPM++ 2M SDE"
        case .dpmSolverSDE: "DPM++ SDE"
        case .unipc: "UniPC"
        case .lcm: "LCM"
        }
    }
}
