import Checkpoints
import Diffusion
import Foundation
import Images
import Models
import Moonlit
import Tensors
import Testing

@Suite(.timeLimit(.minutes(5)))
struct GenerationTests {
    let file: TinyModel

    init() throws { file = try TinyModel() }

    @Test func drawsWhatItIsAskedFor() async throws {
        let model = try await file.load()
        let request = GenerationRequest(prompt: "a red house", seed: 3, count: 2)
        let pictures = try await model.generate(request)
        #expect(pictures.map(\.settings.seed) == [3, 4])
        #expect(pictures.allSatisfy { $0.picture.width == 8 && $0.picture.height == 8 && $0.picture.channels == 3 })
        let settings = pictures[0].settings
        #expect(settings.sampler == .ddpm && settings.steps == 4 && settings.guidanceScale == 2 && settings.model == "tiny")
        #expect(pictures[0].picture != pictures[1].picture)
        #expect(try await model.generate(request).map(\.picture) == pictures.map(\.picture))

        var other = request
        other.prompt = "a lake"
        #expect(try await model.generate(other)[0].picture != pictures[0].picture)
        other = request
        other.negativePrompt = "moonlight"
        #expect(try await model.generate(other)[0].picture != pictures[0].picture)
        other = GenerationRequest(prompt: "", seed: .max, count: 2, width: 12, height: 6)
        let wide = try await model.generate(other)
        #expect(wide.map(\.settings.seed) == [.max, 0] && wide.allSatisfy { $0.picture.width == 12 && $0.picture.height == 6 })
        for prompt in [String(repeating: "house ", count: 10_000), "🌙 月夜の家", "\u{0}\n"] {
            #expect(try await model.generate(.init(prompt: prompt)).count == 1)
        }
    }

    /// A picture depends neither on its batch nor on its place in it.
    @Test(arguments: SamplerName.allCases)
    func batchesDoNotMatter(sampler: SamplerName) async throws {
        let model = try await file.load()
        func pictures(_ seed: UInt64, _ count: Int, _ batch: Int) async throws -> [Picture] {
            let request = GenerationRequest(prompt: "a red house", seed: seed, count: count, batchSize: batch, sampler: sampler)
            return try await model.generate(request).map(\.picture)
        }
        let together = try await pictures(5, 5, 5)
        #expect(Set(together.map(\.pixels)).count == 5)
        #expect(try await pictures(5, 5, 2) == together)
        for index in together.indices {
            #expect(try await pictures(5 + UInt64(index), 1, 1) == [together[index]], "picture \(index)")
        }
    }

    @Test func settingsDrawThePictureAgain() async throws {
        let model = try await file.load()
        var request = GenerationRequest(prompt: "a red house", seed: 9, steps: 3, schedule: "trailing", clamp: .dynamic)
        let first = try await model.generate(request)[0]
        let path = file.folder + "/a.png"
        try first.write(to: path)
        let texts = try PNGText.read(path: path)
        #expect(texts.map(\.key) == ["parameters", "moonlit", "Software"] && texts[0].value == first.settings.parametersText)
        let read = try JSONDecoder().decode(Settings.self, from: Data(texts[1].value.utf8))
        #expect(read == first.settings)
        request = GenerationRequest(
            prompt: read.prompt, negativePrompt: read.negativePrompt, seed: read.seed, sampler: read.sampler,
            steps: read.steps, schedule: read.schedule, guidanceScale: read.guidanceScale, width: read.width,
            height: read.height, clamp: read.clamp)
        #expect(try await model.generate(request)[0].picture == first.picture)
        #expect(try Picture(path: path) == first.picture)
    }

    /// A picture of several that begin from given noise says which it was, and is drawn again from that.
    @Test func settingsNameTheirRowOfGivenNoise() async throws {
        let model = try await file.load()
        let drawn = try Tensor.randn([3, 3, 8, 8], generator: RandomGenerator(seed: 3))
        let noise = try Latents(shape: drawn.shape, values: drawn.floats())
        let pictures = try await model.generate(
            GenerationRequest(prompt: "a red house", seed: 9, count: 3, batchSize: 2, initialNoise: noise))
        #expect(pictures.map(\.settings.noiseRow) == [0, 1, 2])
        for one in pictures {
            let settings = try Settings(json: one.settings.json(), file: "x")
            var request = settings.request
            request.initialNoise = try settings.ownNoise(in: noise)
            #expect(try await model.generate(request)[0].picture == one.picture)
        }
        // Written before rows were: all of the noise is meant.
        var old = pictures[0].settings
        old.noiseRow = nil
        #expect(try Settings(json: old.json(), file: "x") == old)
        #expect(try old.ownNoise(in: noise) == noise)
        for row in [-1, 3] {
            old.noiseRow = row
            let damaged = old
            #expect(throws: GenerationError.self) { try damaged.ownNoise(in: noise) }
        }
        #expect(try await model.generate(.init(prompt: "a red house"))[0].settings.noiseRow == nil)
    }

    @Test func theTextOfSettings() throws {
        let request = GenerationRequest(
            prompt: "a “red”\nhouse", negativePrompt: "rain", seed: .max, sampler: .dpmSolver2M, steps: 7, schedule: "karras",
            guidanceScale: 4.5, width: 16, height: 8)
        let settings = try Settings(request, model: TinyModel.configuration())
        #expect(settings.parametersText == """
            a “red”
            house
            Negative prompt: rain
            Steps: 7, Sampler: dpm++2m, Schedule type: karras, CFG scale: 4.5, Seed: 18446744073709551615, Size: 16x8, \
            Model: tiny, Version: Moonlit
            """)
        #expect(try JSONDecoder().decode(Settings.self, from: Data(settings.json().utf8)) == settings)
        #expect(try JSONDecoder().decode(GenerationRequest.self, from: JSONEncoder().encode(request)) == request)
    }

    /// A model may say where it is guided; a request may say otherwise, and settings say what was done.
    @Test func guidanceIsTheModelsUnlessSaid() throws {
        var model = try TinyModel.configuration()
        model.sampling.guidanceInterval = 0.5...9
        func settings(_ request: GenerationRequest) throws -> Settings { try Settings(request, model: model) }
        let own = try settings(.init(prompt: "x"))
        #expect(own.guidance == .init(scale: 2, interval: 0.5...9))
        #expect(try settings(own.request) == own && Settings(json: own.json(), file: "x") == own)
        let everywhere = try settings(
            .init(prompt: "x", guidanceScale: 4, guidanceInterval: GenerationRequest.everySigma, guidanceRescale: 0.7))
        #expect(everywhere.guidance.interval?.contains(20_000) == true && everywhere.guidance.rescale == 0.7)
        #expect(try settings(everywhere.request) == everywhere && Settings(json: everywhere.json(), file: "x") == everywhere)
        #expect(everywhere.parametersText.contains("CFG Rescale: 0.7"))
        // Of pictures drawn before there was such a thing.
        let plain = try Settings(.init(prompt: "x"), model: TinyModel.configuration())
        #expect(try !plain.json().contains("guidanceInterval") && !plain.json().contains("guidanceRescale"))
        #expect(plain.guidance == .init(scale: 2))
    }

    /// What is read from JSON has been checked as what is made in Swift has.
    @Test func damagedRequestsDoNotDecode() throws {
        let decoder = JSONDecoder()
        for text in [
            #"{"shape": [1, 8, 16, 16], "values": []}"#, #"{"shape": [1, 1, 2], "values": [1, 2]}"#,
            #"{"shape": [4611686018427387904, 2, 2, 1], "values": []}"#,
        ] {
            #expect(throws: GenerationError.self, "\(text)") { try decoder.decode(Latents.self, from: Data(text.utf8)) }
        }
        for (width, pixels) in [(2, "[1, 2, 3]"), (-1, "[1, 2, 3]"), (1, "[1, 2, 3, 4]"), (1 << 62, "[]")] {
            let text = #"{"width": \#(width), "height": 1, "pixels": \#(pixels), "record": {"sha256": ""}}"#
            #expect(throws: ImageError.self, "\(text)") { try decoder.decode(InputPicture.self, from: Data(text.utf8)) }
        }
        var request = GenerationRequest(prompt: "x", initialNoise: try Latents(shape: [1, 1, 1, 2], values: [0.5, -1]))
        request.initImage = try InputPicture(Picture(width: 1, height: 1, channels: 3, pixels: [1, 2, 3]))
        #expect(try decoder.decode(GenerationRequest.self, from: JSONEncoder().encode(request)) == request)
    }

    @Test func otherTypesDrawToo() async throws {
        let plain = try await file.load().generate(.init(prompt: "a lake", sampler: .ddim))[0].picture
        let half = try await file.load(.init(dtype: .bfloat16)).generate(.init(prompt: "a lake", sampler: .ddim))[0].picture
        let differences = zip(plain.pixels, half.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.reduce(0, +) > 0 && Double(differences.reduce(0, +)) / Double(differences.count) < 16)
    }

    @Test func invalidRequestsNameTheirOption() async throws {
        let model = try await file.load()
        func request(_ change: (inout GenerationRequest) -> Void) -> GenerationRequest {
            var request = GenerationRequest(prompt: "x")
            change(&request)
            return request
        }
        var requests: [(String, GenerationRequest)] = [
            ("width", request { $0.width = 0 }), ("width", request { $0.width = 7 }), ("height", request { $0.height = 100_000 }),
            ("height", request { $0.height = -8 }), ("steps", request { $0.steps = 0 }), ("steps", request { $0.steps = 1001 }),
            ("guidance-scale", request { $0.guidanceScale = .nan }), ("guidance-scale", request { $0.guidanceScale = 1e9 }),
            ("guidance-interval", request { $0.guidanceInterval = -1...2 }),
            ("guidance-interval", request { $0.guidanceInterval = 0 ... .infinity }),
            ("guidance-rescale", request { $0.guidanceRescale = 1.5 }), ("guidance-rescale", request { $0.guidanceRescale = .nan }),
            ("count", request { $0.count = 0 }), ("count", request { $0.count = .max }), ("batch-size", request { $0.batchSize = 0 }),
            ("batch-size", request { $0.batchSize = -1 }), ("schedule", request { $0.schedule = "nonsense" }),
            ("schedule", request { $0.schedule = "600,600" }), ("schedule", request { $0.schedule = "" }),
        ]
        // So that every format holds what is drawn.
        let most = ImageFormat.allCases.reduce(Int.max) { min($0, $1.largestSide) }
        requests += [("width", request { $0.width = most + 1 }), ("height", request { $0.height = most + 1 })]
        for (name, request) in requests {
            let error = await #expect(throws: GenerationError.self, "\(name)") { try await model.generate(request) }
            guard case .invalid(let option, _, let expected) = error else { continue }
            #expect(option == name && !expected.isEmpty)
            await #expect(throws: GenerationError.self, "\(name)") {
                for try await _ in model.stream(request) {}
            }
        }
        let inpainting = try TinyModel(.masked)
        let other = try await inpainting.load()
        // Without a picture nothing is known, and all is painted.
        #expect(try await other.generate(.init(prompt: "x")).count == 1)
        let upsampler = try TinyModel(.lowResolution)
        let third = try await upsampler.load()
        await #expect(throws: GenerationError.self) { try await third.generate(.init(prompt: "x")) }
        #expect(try await model.generate(.init(prompt: "x")).count == 1)
    }

    @Test func unknownModels() async {
        for source in [ModelSource("no-such-model"), .embedded("../secret"), .embedded("")] {
            await #expect(throws: GenerationError.self) { try await TextToImage.load(source) }
        }
        await #expect(throws: TensorFileError.self) { try await TextToImage.load(.file("/no/such/file")) }
        #expect(ModelSource(file.path) == .file(file.path))
        let folder = (file.path as NSString).deletingLastPathComponent
        #expect(ModelSource(folder) == .file(folder))
        #expect(ModelSource("scenes-latent") == .embedded("scenes-latent"))
        #expect(ModelSource("no-such-model") == .embedded("no-such-model"))
    }
}
