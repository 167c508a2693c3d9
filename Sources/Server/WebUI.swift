import Checkpoints
import Diffusion
import FlyingFox
import Foundation
import Images
import Moonlit

/// The part of the Stable Diffusion web UI's API that its clients draw with: `/sdapi/v1/txt2img`, `img2img`, `progress`,
/// `interrupt`, `samplers`, `schedulers`, `sd-models` and `options`.
///
/// Keys that are not below are passed over, as there.
struct WebUI {
    let studio: Studio

    func add(to routes: inout RoutedHTTPHandler) {
        routes.appendRoute("POST /sdapi/v1/txt2img") { request in
            try await answer { try await draw(request.json(Asked.self), fromPicture: false) }
        }
        routes.appendRoute("POST /sdapi/v1/img2img") { request in
            try await answer { try await draw(request.json(Asked.self), fromPicture: true) }
        }
        routes.appendRoute("GET /sdapi/v1/progress") { request in
            let skips = request.query["skip_current_image"] == "true"
            return try await answer { try await .json(progress(withPicture: !skips)) }
        }
        routes.appendRoute("POST /sdapi/v1/interrupt") { _ in
            await studio.interrupt()
            return try .json([String: String]())
        }
        routes.appendRoute("GET /sdapi/v1/samplers") { _ in
            try .json(SamplerName.allCases.map { Sampler(name: $0.webUIName, aliases: [$0.rawValue]) })
        }
        routes.appendRoute("GET /sdapi/v1/schedulers") { _ in
            try .json((["automatic"] + Spacing.names.dropFirst()).map { Scheduler(name: $0, label: $0.capitalized) })
        }
        routes.appendRoute("GET /sdapi/v1/sd-models") { _ in
            let name = studio.model.configuration.name
            return try .json([ModelEntry(title: name, model_name: name, filename: name)])
        }
        routes.appendRoute("GET /sdapi/v1/options") { _ in
            try .json(["sd_model_checkpoint": studio.model.configuration.name])
        }
        // There is one model: a client that chooses one is content.
        routes.appendRoute("POST /sdapi/v1/options") { _ in try .json([String: String]()) }
    }

    private func answer(_ work: () async throws -> HTTPResponse) async throws -> HTTPResponse {
        do { return try await work() } catch {
            let refusal = Refusal(error)
            return try .json(["detail": refusal.reason], status: refusal.status)
        }
    }

    // MARK: Drawing

    struct Asked: Decodable, Sendable {
        var prompt: String?
        var negative_prompt: String?
        var seed: Seed?
        var steps: Number<Int>?
        var cfg_scale: Number<Double>?
        var width: Number<Int>?
        var height: Number<Int>?
        var sampler_name: String?
        var sampler_index: String?
        var scheduler: String?
        var batch_size: Number<Int>?
        var n_iter: Number<Int>?
        /// In Base64.
        var init_images: [String]?
        var mask: String?
        var denoising_strength: Number<Double>?

        func request(fromPicture: Bool) throws -> GenerationRequest {
            let (batch, batches) = (batch_size?.value ?? 1, n_iter?.value ?? 1)
            let most = OpenAIImages.Asked.most
            guard (1...most).contains(batch), (1...most).contains(batches), batch * batches <= most else {
                throw Refusal(reason: "batch_size × n_iter is \(batch) × \(batches); expected 1 to \(most) pictures")
            }
            var request = GenerationRequest(
                prompt: prompt ?? "", negativePrompt: negative_prompt ?? "",
                seed: seed?.value ?? Seed.drawn, count: batch * batches, batchSize: batch,
                sampler: try (sampler_name ?? sampler_index).map { try SamplerName.asked($0, key: "sampler_name") },
                steps: steps?.value, guidanceScale: cfg_scale?.value, width: width?.value, height: height?.value)
            if let scheduler = scheduler?.lowercased(), scheduler != "automatic" { request.schedule = scheduler }
            guard fromPicture else { return request }
            guard let first = init_images?.first else { throw Refusal(reason: "init_images is empty; img2img begins with a picture") }
            request.initImage = try InputPicture(base64: first, key: "init_images")
            request.mask = try mask.map { try InputPicture(base64: $0, key: "mask") }
            request.strength = denoising_strength?.value
            return request
        }
    }

    struct Answer: Encodable {
        let images: [String]
        let parameters: Parameters
        /// JSON once more.
        let info: String
    }

    /// What was drawn, under the request's names.
    struct Parameters: Encodable {
        let prompt, negative_prompt: String
        let seed: UInt64
        let steps: Int
        let cfg_scale: Double
        let width, height: Int
        let sampler_name, scheduler: String
        let batch_size, n_iter: Int

        init(_ settings: Settings, _ request: GenerationRequest) {
            (prompt, negative_prompt, seed) = (settings.prompt, settings.negativePrompt, settings.seed)
            (steps, cfg_scale, width, height) = (settings.steps, settings.guidanceScale, settings.width, settings.height)
            (sampler_name, scheduler) = (settings.sampler.webUIName, settings.schedule)
            (batch_size, n_iter) = (request.batchSize, (request.count + request.batchSize - 1) / request.batchSize)
        }
    }

    struct Info: Encodable {
        let prompt, negative_prompt: String
        let all_prompts, all_negative_prompts: [String]
        let seed: UInt64
        let all_seeds: [UInt64]
        let width, height, steps, batch_size: Int
        let cfg_scale: Double
        let sampler_name, sd_model_name: String
        let infotexts: [String]
    }

    private func draw(_ asked: Asked, fromPicture: Bool) async throws -> HTTPResponse {
        let request = try asked.request(fromPicture: fromPicture)
        let pictures = try await studio.draw(studio.admit(request))
        guard let first = pictures.first?.settings else { throw CancellationError() }
        let info = Info(
            prompt: first.prompt, negative_prompt: first.negativePrompt, all_prompts: pictures.map(\.settings.prompt),
            all_negative_prompts: pictures.map(\.settings.negativePrompt), seed: first.seed,
            all_seeds: pictures.map(\.settings.seed), width: first.width, height: first.height, steps: first.steps,
            batch_size: request.batchSize, cfg_scale: first.guidanceScale, sampler_name: first.sampler.webUIName,
            sd_model_name: first.model, infotexts: pictures.map(\.settings.parametersText))
        return try .json(
            Answer(
                images: try pictures.map { Data(try $0.picture.pngData(texts: $0.texts())).base64EncodedString() },
                parameters: Parameters(first, request),
                info: String(decoding: try JSONEncoder().encode(info), as: UTF8.self)))
    }

    // MARK: What is going on

    struct Progress: Encodable {
        struct State: Encodable {
            let skipped = false
            let interrupted: Bool
            let job: String
            let job_count, job_no: Int
            let sampling_step, sampling_steps: Int
        }
        /// 0 to 1.
        let progress: Double
        /// Seconds that are left.
        let eta_relative: Double
        let state: State
        /// In Base64.
        let current_image: String?
    }

    private func progress(withPicture: Bool) async throws -> Progress {
        guard let job = await studio.current else {
            return Progress(
                progress: 0, eta_relative: 0,
                state: .init(interrupted: false, job: "", job_count: 0, job_no: 0, sampling_step: 0, sampling_steps: 0),
                current_image: nil)
        }
        let share = Double(job.done) / Double(max(1, job.total))
        let elapsed = Date().timeIntervalSince(job.began)
        return Progress(
            progress: share, eta_relative: share > 0 ? elapsed * (1 - share) / share : 0,
            state: .init(
                interrupted: job.isInterrupted, job: job.settings.prompt, job_count: await studio.count, job_no: 0,
                sampling_step: job.done, sampling_steps: job.total),
            current_image: withPicture ? try job.preview.map { Data(try $0.pngData()).base64EncodedString() } : nil)
    }

    private struct Sampler: Encodable {
        let name: String
        let aliases: [String]
        let options = [String: String]()
    }

    private struct Scheduler: Encodable {
        let name, label: String
    }

    private struct ModelEntry: Encodable {
        let title, model_name, filename: String
        let hash: String? = nil
        let sha256: String? = nil
        let config: String? = nil
    }
}
