import Checkpoints
import Diffusion
import Foundation
import Images
import Moonlit
import Tensors
import Testing
import Tokenizers

/// Whole pipelines of small random models against diffusers' (Fixtures/pipelines).
struct PipelineTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines").path

    private static func request(_ archive: TensorArchive) throws -> GenerationRequest {
        let said = archive.metadata
        return GenerationRequest(
            prompt: try #require(said["prompt"]), negativePrompt: try #require(said["negative_prompt"]),
            seed: try #require(said["seed"].flatMap { UInt64($0) }), steps: said["steps"].flatMap { Int($0) },
            guidanceScale: said["guidance_scale"].flatMap { Double($0) }, reading: .plain)
    }

    private static func latents(_ model: TextToImage, _ request: GenerationRequest) async throws -> Latents {
        var last: Latents?
        for try await step in model.stream(request, showing: [.latents]) { last = step.latents ?? last }
        return try #require(last)
    }

    private static func distance(_ found: Latents, _ expected: Tensor) throws -> Double {
        #expect(found.shape == expected.shape)
        let wanted = try expected.floats()
        let (difference, norm) = zip(found.values, wanted).reduce((0.0, 0.0)) {
            ($0.0 + pow(Double($1.0) - Double($1.1), 2), $0.1 + pow(Double($1.1), 2))
        }
        return (difference / norm).squareRoot()
    }

    @Test(arguments: ["sd1", "sd2", "xl", "ldm"])
    func textToPicture(name: String) async throws {
        let archive = try TensorArchive.open("\(Self.folder)/\(name).pipelines.safetensors")
        let model = try await TextToImage.load(.file("\(Self.folder)/\(name)"))
        let noise = try archive.tensor("initial_noise")
        for key in archive.names where key.hasPrefix("text2image.") {
            var request = try Self.request(archive)
            request.sampler = try SamplerName(parsing: String(key.dropFirst("text2image.".count)))
            request.initialNoise = try Latents(shape: noise.shape, values: noise.floats())
            let given = try await Self.latents(model, request)
            #expect(try Self.distance(given, archive.tensor(key)) < 1e-3, "\(name) \(key)")
            // The seed's own noise is the same.
            guard key.hasSuffix("ddim") else { continue }
            request.initialNoise = nil
            #expect(try await Self.latents(model, request) == given)
        }
    }

    @Test(arguments: ["sd1", "sd2", "xl"])
    func picturesFromPictures(name: String) async throws {
        let archive = try TensorArchive.open("\(Self.folder)/\(name).edits.safetensors")
        let model = try await TextToImage.load(.file("\(Self.folder)/\(name)"))
        func picture(_ name: String, channels: Int) throws -> Picture {
            let tensor = try archive.tensor(name)
            let bytes = try tensor.floats().map { UInt8($0) }
            let pixels = channels == 3 ? bytes : bytes.flatMap { [$0, $0, $0] }
            return try Picture(width: tensor.shape[1], height: tensor.shape[0], channels: 3, pixels: pixels)
        }
        for key in archive.names where key.hasPrefix("image2image.") || key.hasPrefix("inpaint.") {
            let parts = key.split(separator: ".").map(String.init)
            var request = try Self.request(archive)
            request.sampler = try SamplerName(parsing: parts[parts.count - 1])
            request.initImage = try InputPicture(picture("image", channels: 3))
            if parts[0] == "inpaint" { request.mask = try InputPicture(picture("mask", channels: 1)) }
            let isAnew = parts.contains("full")
            request.strength = isAnew ? 1 : 0.6
            request.steps = isAnew ? 8 : 10
            #expect(try Self.distance(await Self.latents(model, request), archive.tensor(key)) < 1e-3, "\(name) \(key)")
        }
    }

    /// A merged LoRA, and a word learned by textual inversion, as diffusers has them.
    @Test(arguments: ["sd1", "xl"], ["kohya", "peft", "inversion"])
    func additions(name: String, kind: String) async throws {
        let archive = try TensorArchive.open("\(Self.folder)/\(name).additions.safetensors")
        let file = "\(Self.folder)/\(name).\(kind).safetensors"
        let isInversion = kind == "inversion"
        let model = try await TextToImage.load(
            .file("\(Self.folder)/\(name)"),
            options: .init(
                additions: .init(
                    loras: isInversion ? [] : [LoRAChoice(path: file, scale: 0.7)],
                    embeddings: isInversion ? [.init(path: file, word: "<moon>")] : [])))
        var request = try Self.request(archive)
        request.sampler = .ddim
        if isInversion { request.prompt = try #require(archive.metadata["inversion_prompt"]) }
        let found = try await Self.latents(model, request)
        #expect(try Self.distance(found, archive.tensor(kind)) < 1e-3, "\(name) \(kind)")
        #expect(try Self.distance(found, archive.tensor("plain")) > 1e-2)
    }

    /// What a model's scheduler refuses is the request's fault.
    @Test(arguments: [(SamplerName.lcm, 100, "original_inference_steps"), (.ddim, 1000, "steps_offset")])
    func stepsThatTheSchedulerRefuses(sampler: SamplerName, steps: Int, named: String) async throws {
        let model = try await TextToImage.load(.file("\(Self.folder)/sd1"))
        let error = try await #require(throws: GenerationError.self) {
            try await model.generate(.init(prompt: "lake", sampler: sampler, steps: steps))
        }
        #expect(error.description.contains(named) && error.description.contains("\(steps) steps of \(sampler.rawValue)"))
    }

    @Test func canvasIsPainted() async throws {
        let model = try await TextToImage.load(.file("\(Self.folder)/sd1"))
        var pixels = [UInt8](repeating: 40, count: 16 * 16 * 3)
        pixels[0] = 200
        var request = GenerationRequest(prompt: "lake", seed: 3, sampler: .euler, steps: 2)
        request.initImage = try InputPicture(Picture(width: 16, height: 16, channels: 3, pixels: pixels))
        request.canvas = Canvas(width: 32, height: 24, x: 8, y: 4)
        let drawn = try #require(try await model.generate(request).first)
        #expect(drawn.picture.width == 32 && drawn.picture.height == 24)
        #expect(drawn.settings.canvas == request.canvas && drawn.settings.strength == 1)
        request.canvas = Canvas(width: 32, height: 24, x: 40, y: 0)
        await #expect(throws: GenerationError.self) { try await model.generate(request) }
    }

    @Test func checksums() throws {
        let picture = try Picture(width: 1, height: 1, channels: 3, pixels: Array("abc".utf8))
        #expect(
            try InputPicture(picture).record.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
