import Checkpoints
import Diffusion
import Foundation
import Images
import Layers
import Models
import Moonlit
import Tensors
import Testing

/// A folder with the towers of a small random CLIP in GLIDE's layout, removed with it.
final class TinyCLIP: Sendable {
    let folder: String
    var source: ModelSource { .file(folder) }

    /// - Parameter timesteps: nil is a CLIP of clean pictures.
    init(side: Int = 8, timesteps: Int? = 1000) throws {
        folder = NSTemporaryDirectory() + "moonlit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // One head of 64, as its width is read from published files.
        let image = NoisedCLIPTowerConfiguration(
            input: .image(side: side, patch: 4, timesteps: timesteps), width: 64, layers: 1, heads: 1, embedding: 16)
        let text = NoisedCLIPTowerConfiguration(
            input: .text(vocabulary: 49_408, context: 12), width: 64, layers: 1, heads: 1, embedding: 16)
        let (images, texts) = try (1...2).map { try WeightStore(.initial(RandomGenerator(seed: UInt64($0)))) }.pair
        _ = try NoisedCLIPImageTower(Weights(images), configuration: image)
        _ = try NoisedCLIPTextTower(Weights(texts), configuration: text)
        for (store, file) in [(images, NoisedCLIPModel.imageFile), (texts, NoisedCLIPModel.textFile)] {
            // Opened by its content, whatever its ending.
            try Safetensors.write(store.parameters.map { ($0.name, $0.value) }, dtype: .float16, to: "\(folder)/\(file)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

extension [WeightStore] {
    fileprivate var pair: (WeightStore, WeightStore) { (self[0], self[1]) }
}

/// Guidance and choice by a CLIP that is loaded beside a model.
@Suite(.timeLimit(.minutes(5)))
struct CLIPTests {
    let file: TinyModel
    let clip: TinyCLIP

    init() throws { (file, clip) = (try TinyModel(), try TinyCLIP()) }

    private func load(_ clip: TinyCLIP?, _ path: String? = nil) async throws -> TextToImage {
        try await .load(.file(path ?? file.path), clip: clip?.source, options: .init(threads: 1))
    }

    private static let latent = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines/sd1").path

    /// How like pictures are to the prompt on average.
    private func likeness(_ model: TextToImage, _ request: GenerationRequest) async throws -> Double {
        var request = request
        request.candidates = request.count
        let scores = try await model.generate(request).compactMap(\.likeness)
        #expect(scores.count == request.count)
        return scores.reduce(0, +) / Double(scores.count)
    }

    /// A noised CLIP by the noisy pictures, a plain one through the predicted ones: both draw what is more like the prompt.
    @Test(arguments: [1000, nil], [1.0, 3.0])
    func guidanceDrawsWhatIsMoreAlike(timesteps: Int?, guidanceScale: Double) async throws {
        let plain = try TinyCLIP(side: 16, timesteps: nil)
        let model = try await load(timesteps == nil ? plain : clip)
        for sampler in [SamplerName.ddpm, .ddim, .dpmSolver2M] {
            var request = GenerationRequest(
                prompt: "a red house", seed: 3, count: 4, sampler: sampler, steps: 8, guidanceScale: guidanceScale)
            let plain = try await likeness(model, request)
            request.clipGuidanceScale = 0.3
            let guided = try await likeness(model, request)
            #expect(guided > plain, "\(sampler): \(guided), unguided \(plain)")
        }
    }

    @Test func latentsAreGuidedThroughTheirPicture() async throws {
        let model = try await load(TinyCLIP(), Self.latent)
        var request = GenerationRequest(prompt: "lake", seed: 3, count: 4, sampler: .ddim, steps: 8)
        let plain = try await likeness(model, request)
        request.clipGuidanceScale = 0.3
        #expect(try await likeness(model, request) > plain)
        // Weights of words are for the text towers: CLIP reads the words.
        request = GenerationRequest(prompt: "(lake:1.4)", seed: 3, sampler: .ddim, steps: 3, candidates: 1)
        let weighted = try #require(try await model.generate(request).first)
        #expect(try abs(cosine(weighted, "lake") - #require(weighted.likeness)) < 1e-6)
        #expect(try abs(cosine(weighted, "(lake:1.4)") - #require(weighted.likeness)) > 1e-4)
    }

    /// Where nothing is left of the picture, samplers that would throw it far off are not guided.
    @Test(arguments: [SamplerName.ddpm, .ddim, .euler]) func theNoisiestStepIsSteady(sampler: SamplerName) async throws {
        let model = try await load(clip)
        func stages(_ scale: Double) async throws -> [Picture] {
            let request = GenerationRequest(
                prompt: "a lake", seed: 4, sampler: sampler, steps: 4, clipGuidanceScale: scale)
            var found: [Picture] = []
            for try await step in model.stream(request, showing: [.noisy]) { found += step.noisy }
            return found
        }
        let (plain, guided) = (try await stages(0), try await stages(1))
        #expect((plain[0] == guided[0]) == (sampler != .ddpm))
        #expect(plain[3] != guided[3])
    }

    @Test func aScaleOfZeroIsOff() async throws {
        let (with, without) = (try await load(clip), try await load(nil))
        let request = GenerationRequest(prompt: "a lake", seed: 4, clipGuidanceScale: 0)
        let picture = try await with.generate(request)[0]
        #expect(try await without.generate(request)[0].picture == picture.picture)
        #expect(picture.settings.clipGuidance == nil && picture.likeness == nil)
    }

    @Test func settingsDrawTheGuidedPictureAgain() async throws {
        let model = try await load(clip)
        let request = GenerationRequest(prompt: "a lake", seed: 4, count: 3, clipGuidanceScale: 2)
        let pictures = try await model.generate(request)
        let settings = try Settings(json: pictures[1].settings.json(), file: "x")
        #expect(settings.clipGuidance?.scale == 2 && settings.clipGuidance?.clip == clip.folder)
        #expect(settings.parametersText.contains("CLIP guidance: 2.0"))
        let again = try await TextToImage.load(
            .file(file.path), clip: ModelSource(#require(settings.clipGuidance).clip), options: .init(threads: 1))
        #expect(try await again.generate(settings.request)[0].picture == pictures[1].picture)
    }

    @Test func theBestCandidatesAreKept() async throws {
        let model = try await load(clip)
        var request = GenerationRequest(prompt: "a red house", seed: 20, count: 3, batchSize: 4, candidates: 9)
        let best = try await model.generate(request)
        #expect(best.count == 3)

        // Each drawn and judged alone.
        request.count = 1
        request.candidates = 1
        var alone: [GeneratedPicture] = []
        for seed in 20..<29 as Range<UInt64> {
            request.seed = seed
            alone += try await model.generate(request)
        }
        let ranked = alone.sorted { ($0.likeness ?? 0) > ($1.likeness ?? 0) }.prefix(3)
        #expect(Set(alone.compactMap(\.likeness)).count > 5)
        #expect(best.map(\.settings.seed) == ranked.map(\.settings.seed))
        #expect(best.map(\.picture) == ranked.map(\.picture))
        for (one, other) in zip(best, ranked) {
            #expect(abs(try #require(one.likeness) - #require(other.likeness)) < 1e-5)
            #expect(one.settings.choice?.candidates == 9 && one.settings.choice?.clip == clip.folder)
            // Its own seed draws it again, without candidates and without a CLIP.
            let request = try Settings(json: one.settings.json(), file: "x").request
            #expect(request.candidates == nil)
            #expect(try await load(nil).generate(request)[0].picture == one.picture)
        }
    }

    @Test func aStreamShowsAllCandidates() async throws {
        let request = GenerationRequest(prompt: "a lake", seed: 1, count: 1, batchSize: 2, candidates: 5)
        var shortlist = Shortlist(places: 2)
        for try await step in try await load(clip).stream(request, showing: []) { shortlist.take(step.results) }
        #expect(shortlist.scores.map(\.seed) == Array(1...5))
        let highest = shortlist.scores.map(\.likeness).sorted(by: >).prefix(2)
        #expect(shortlist.best.compactMap(\.likeness) == Array(highest))
    }

    /// The likeness is the cosine that the towers give.
    @Test func likenessIsTheTowersCosine() async throws {
        let request = GenerationRequest(prompt: "a lake", seed: 1, candidates: 1)
        let picture = try await load(clip).generate(request)[0]
        #expect(try abs(cosine(picture, "a lake") - #require(picture.likeness)) < 1e-6)
    }

    private func cosine(_ picture: GeneratedPicture, _ text: String) throws -> Double {
        let model = try PictureTextModels.load(clip.folder)
        let (width, height) = (picture.picture.width, picture.picture.height)
        let pixels = try Tensor(picture.picture.planes(), shape: [1, 3, height, width])
        return try withoutGradients {
            try (model.embeddings(ofPictures: model.fitted(pixels), timesteps: Tensor([0]))
                * model.embeddings(ofTexts: [text])).sum().item()
        }
    }

    @Test func whatCannotBeGuidedIsRefused() async throws {
        func request(_ change: (inout GenerationRequest) -> Void) -> GenerationRequest {
            var request = GenerationRequest(prompt: "x")
            change(&request)
            return request
        }
        let guided = request { $0.clipGuidanceScale = 1 }
        let cases: [(TinyCLIP?, GenerationRequest, String, String)] = [
            (nil, guided, "clip-guidance", "a CLIP to guide by"),
            (nil, request { $0.candidates = 2 }, "candidates", "a CLIP to choose by"),
            (clip, request { $0.clipGuidanceScale = .nan }, "clip-guidance", "a number"),
            (clip, request { ($0.count, $0.candidates) = (3, 2) }, "candidates", "3, as many as are to be kept"),
            (clip, request { $0.candidates = 2_000_000 }, "candidates", "to 1,000,000"),
            (try TinyCLIP(side: 16), guided, "clip", "noisy pictures of 8×8; its own are 16×16"),
            (try TinyCLIP(timesteps: 10), guided, "clip", "trained on the noise of tiny"),
        ]
        for (clip, request, option, expected) in cases {
            let model = try await load(clip)
            let error = await #expect(throws: GenerationError.self, "\(option)") { try await model.generate(request) }
            guard case .invalid(let found, _, let said) = error else {
                Issue.record("\(option): \(String(describing: error))")
                continue
            }
            #expect(found == option && said.contains(expected), "\(found): \(said)")
        }
        await #expect(throws: (any Error).self) {
            try await TextToImage.load(.file(file.path), clip: .file(file.path), options: .init(threads: 1))
        }
    }
}
