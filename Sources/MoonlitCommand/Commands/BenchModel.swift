import ArgumentParser
import Checkpoints
import Diffusion
import Foundation
import Models
import Moonlit
import Tensors

/// What the benchmarks of a model share.
struct BenchModelOptions: ParsableArguments {
    @Option(help: "An embedded model's name, a folder as diffusers writes it, or a file. The embedded one unless given.")
    var model: String?

    @Option(help: "Pixels; what the model was trained on unless given.")
    var width: Int?

    @Option(help: "Pixels; what the model was trained on unless given.")
    var height: Int?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var repeats: RepeatOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    static let prompt = "a house next to a lake in moonlight"

    /// - Throws: `GenerationError.invalid` for a size that the model cannot draw.
    func opened() throws -> Opened {
        let options = try compute.applied()
        let source = model.map { ModelSource($0) } ?? .bundled
        let file = try PublishedModel(source.path())
        var request = GenerationRequest(prompt: Self.prompt, seed: 0)
        (request.width, request.height) = (width, height)
        // An upsampler's size is that of its own pictures here.
        let isUpsampler = file.configuration.sees.seesLowResolution
        let size =
            isUpsampler
            ? (width ?? file.configuration.imageSize, height ?? file.configuration.imageSize)
            : try { ($0.width, $0.height) }(Settings(request, model: file.configuration))
        return Opened(source: source, file: file, options: options, width: size.0, height: size.1)
    }

    struct Opened {
        let source: ModelSource
        let file: PublishedModel
        let options: TextToImage.Options
        let width, height: Int

        var configuration: any DrawingConfiguration { file.configuration }
        var latentShape: [Int] {
            let factor = configuration.latentFactor
            return [1, configuration.latentChannels, height / factor, width / factor]
        }

        func load() throws -> any DrawingModel { try file.load(dtype: options.dtype, device: options.device) }

        func result(_ seconds: [Double], batchSize: Int, operations: Double?) throws -> BenchResult {
            let parameters =
                switch file {
                case .pixels(let file): ModelSummary(file).parameters.total
                case .latents(let file): try LatentSummary(file).total
                }
            return BenchResult(
                config: configuration.name, parameters: parameters, dtype: options.dtype, device: options.device,
                threads: Engine.threads, batchSize: batchSize, seconds: seconds, operations: operations)
        }

        /// One picture, with its text and without.
        func request() throws -> DrawingRequest {
            var request = DrawingRequest(
                prompts: [BenchModelOptions.prompt], negativePrompts: [""], height: height, width: width)
            let generator = try RandomGenerator(seed: 1)
            if configuration.sees.seesLowResolution {
                request.lowResolution = try .randn([1, 3, max(1, height / 4), max(1, width / 4)], generator: generator)
                    .to(device: options.device)
            }
            if configuration.sees.seesMask {
                let shape = latentShape
                request.known = KnownRegion(
                    picture: try .randn(shape, generator: generator).to(device: options.device),
                    mask: try .ones([1, 1, shape[2], shape[3]], device: options.device))
            }
            return request
        }

        /// Of one guided call.
        var unetOperations: Double {
            let shape = latentShape
            switch file {
            case .pixels(let file):
                return 2 * file.configuration.network.operations(height: shape[2], width: shape[3], text: false)
            case .latents(let file):
                let tokens = file.configuration.towers.map(\.context).max() ?? 77
                return 2 * file.configuration.unet.operations(height: shape[2], width: shape[3], tokens: tokens)
            }
        }

        /// Of one picture's decoding in one piece; none where pixels are drawn.
        var decoderOperations: Double {
            guard case .latents(let file) = file else { return 0 }
            let shape = latentShape
            return file.configuration.autoencoder.decodingOperations(height: shape[2], width: shape[3])
        }

        /// How often the sampler calls the network on its way to a picture: counted on a picture of one pixel.
        func calls(_ settings: Settings) throws -> Int {
            let plan = try configuration.diffusion.plan(
                settings.sampler, steps: settings.steps, schedule: settings.schedule)
            let channels = configuration.latentChannels
            var count = 0
            let denoiser = plan.denoiser { _ in
                count += 1
                return try Tensor.zeros([1, plan.variance.outputChannels(channels), 1, 1])
            }
            var chain = try Chain(plan, denoiser, start: .noise([1, channels, 1, 1]), noise: .seeded(0, count: 1))
            _ = try chain.run()
            return count
        }
    }
}

struct BenchUNet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unet",
        abstract: "Times one guided call of a model's network: a picture with and without its text.",
        discussion: """
            Example:
              moonlit bench unet --model base.pt --dtype bfloat16 --repeat 5
            """)

    @OptionGroup var own: BenchModelOptions

    func run() async throws {
        let opened = try own.opened()
        let model = try opened.load()
        // Once a picture, not once a step: the text is not timed.
        let network = try model.network(opened.request(), guidance: nil)
        let shape = opened.latentShape
        let x = try Tensor.randn([2] + shape.dropFirst(), generator: RandomGenerator(seed: 0)).to(device: model.device)
        let schedule = try opened.configuration.diffusion.noiseSchedule()
        let query = Query(x: x, level: try schedule.level(timestep: Double(schedule.timesteps[schedule.count / 2])), branch: .both)
        let seconds = try await own.repeats.time("calling") {
            _ = try withoutGradients { try network(query) }
            try model.device.synchronize()
        }
        try opened.result(seconds, batchSize: 2, operations: opened.unetOperations).show(json: own.json)
    }
}

struct BenchDecode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Times a latent model's decoder: latents to one picture.",
        discussion: """
            Example:
              moonlit bench decode --model stable-diffusion-v1-5 --width 768 --height 512
            """)

    @OptionGroup var own: BenchModelOptions

    @Option(help: "Whether the picture is decoded in tiles: auto, on or off. Operations are counted as in one piece.")
    var tiling = TilingChoice.auto

    func run() async throws {
        let opened = try own.opened()
        guard !opened.configuration.drawsPixels else {
            throw GenerationError.invalid(
                option: "model", value: opened.configuration.name, expected: "a latent model: this one draws pixels")
        }
        let model = try opened.load()
        let latents = try Tensor.randn(opened.latentShape, generator: RandomGenerator(seed: 0)).to(device: model.device)
        let seconds = try await own.repeats.time("decoding") {
            _ = try model.decode(latents, tiling: tiling)
            try model.device.synchronize()
        }
        try opened.result(seconds, batchSize: 1, operations: opened.decoderOperations).show(json: own.json)
    }
}

struct BenchText: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract: "Times what a prompt costs before the first step: its text and the empty one, read for the network.",
        discussion: """
            Example:
              moonlit bench text --model stable-diffusion-v1-5
            """)

    @OptionGroup var own: BenchModelOptions

    func run() async throws {
        let opened = try own.opened()
        let model = try opened.load()
        let request = try opened.request()
        let seconds = try await own.repeats.time("reading") {
            _ = try withoutGradients { try model.network(request, guidance: nil) }
            try model.device.synchronize()
        }
        try opened.result(seconds, batchSize: 1, operations: nil).show(json: own.json)
    }
}

struct BenchGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Times a loaded model from prompt to picture.",
        discussion: """
            Example:
              moonlit bench generate --model stable-diffusion-v1-5 --sampler dpm++2m --steps 20 --repeat 2 --warmup 0
            """)

    @OptionGroup var own: BenchModelOptions

    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    func run() async throws {
        let opened = try own.opened()
        guard !opened.configuration.sees.seesLowResolution else {
            throw GenerationError.invalid(
                option: "model", value: opened.configuration.name, expected: "a model that draws by itself: this one enlarges")
        }
        var request = GenerationRequest(
            prompt: BenchModelOptions.prompt, seed: 0, sampler: sampler, steps: steps, guidanceScale: guidanceScale)
        (request.width, request.height) = (opened.width, opened.height)
        let settings = try Settings(request, model: opened.configuration)
        let model = try await TextToImage.load(opened.source, options: opened.options)
        let drawn = request
        let seconds = try await own.repeats.time("drawing") { _ = try await model.generate(drawn) }
        let guided = settings.guidanceScale == 1 ? 0.5 : 1.0
        let operations = try guided * Double(opened.calls(settings)) * opened.unetOperations + opened.decoderOperations
        try opened.result(seconds, batchSize: 1, operations: operations).show(json: own.json)
    }
}
