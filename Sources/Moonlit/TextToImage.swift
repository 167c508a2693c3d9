public import Checkpoints
import Diffusion
import Foundation
import Images
import Models
public import Tensors

/// A text-to-picture model, ready to draw.
///
/// ```swift
/// let model = try await TextToImage.load(.bundled)
/// let picture = try await model.generate(.init(prompt: "a house next to a lake in moonlight", seed: 7))[0]
/// try picture.write(to: "moonlit.png")
/// ```
///
/// The model lives on a thread of its own; requests wait for one another, and pictures and progress cross to the caller.
public actor TextToImage {
    /// What the model is: its sizes, its noise schedule, its defaults.
    public nonisolated let configuration: ModelConfiguration
    private let thread: ModelThread
    private let model: TextToImageModel

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// What the network computes in, and where.
    public struct Options: Sendable {
        public var dtype: DType
        public var device: Device
        /// Threads that one operation may use on the CPU; nil is libtorch's choice.
        public var threads: Int?

        public init(dtype: DType = .float32, device: Device = .cpu, threads: Int? = nil) {
            self.dtype = dtype
            self.device = device
            self.threads = threads
        }
    }

    /// Loads a model's weights.
    /// - Throws: `GenerationError.unknownModel`, `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func load(_ source: ModelSource = .bundled, options: Options = Options()) async throws -> TextToImage {
        let loaded = try await TextToImage(file: ModelFile(source.path()), options: options)
        if let threads = options.threads { await loaded.use(threads: threads) }
        return loaded
    }

    /// libtorch keeps the number with the thread that computes.
    private func use(threads: Int) { Engine.threads = threads }

    private init(file: ModelFile, options: Options) async throws {
        configuration = file.configuration
        thread = ModelThread(name: "moonlit.model")
        model = try TextToImageModel(
            file.load(dtype: options.dtype, device: options.device), configuration: file.configuration,
            device: options.device)
    }

    /// Draws pictures: as many as the request says, in the order of their seeds.
    ///
    /// - Throws: `GenerationError` for a request that cannot be met, `TensorError`, or `CancellationError` where the
    ///   task was cancelled between two steps.
    public func generate(_ request: GenerationRequest) throws -> [GeneratedPicture] {
        var results: [GeneratedPicture] = []
        try draw(request, showing: []) { results += $0.results }
        return results
    }

    /// What a stream's steps show besides their number.
    public enum Preview: Sendable, Hashable, CaseIterable {
        /// The picture as it is predicted to become.
        case predicted
        /// The noisy picture as it stands, and the noise at the beginning.
        case noisy
        /// The last step's numbers.
        case latents
    }

    /// Draws pictures and tells of every step. Ending the iteration, or cancelling its task, ends the drawing after the
    /// step under way.
    public nonisolated func stream(
        _ request: GenerationRequest, showing previews: Set<Preview> = [.predicted]
    ) -> AsyncThrowingStream<GenerationStep, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    try await self.draw(request, showing: previews) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func draw(
        _ request: GenerationRequest, showing previews: Set<Preview>, _ tell: (GenerationStep) -> Void
    ) throws {
        let settings = try Settings(request, model: configuration)
        for first in stride(from: 0, to: request.count, by: request.batchSize) {
            let seeds = (first..<min(first + request.batchSize, request.count)).map { request.seed &+ UInt64($0) }
            let given = try request.initialNoise?.tensor(first..<first + seeds.count)
            var (start, chain) = try model.chain(settings, seeds: seeds, initialNoise: given)
            let noise = previews.contains(.noisy) ? try pictures(start) : []
            while let step = try chain.next() {
                var results: [GeneratedPicture] = []
                if step.isLast {
                    for (picture, seed) in zip(try pictures(step.x), seeds) {
                        var own = settings
                        own.seed = seed
                        results.append(GeneratedPicture(picture: picture, settings: own))
                    }
                }
                tell(
                    GenerationStep(
                        firstPicture: first, index: step.index, count: step.count,
                        previews: previews.contains(.predicted) ? try pictures(step.x0) : [],
                        noisy: previews.contains(.noisy) ? try pictures(step.x) : [],
                        noise: step.index == 0 ? noise : [],
                        latents: step.isLast && previews.contains(.latents) ? try Latents(step.x) : nil,
                        results: results))
            }
        }
    }
}

extension TextToImageModel {
    /// The noise [N, 3, H, W] and the chain from it to pictures: one seed a picture, and no picture depends on another.
    ///
    /// - Parameter initialNoise: instead of what the seeds give.
    func chain(
        _ settings: Settings, seeds: [UInt64], initialNoise: Tensor?
    ) throws -> (start: Tensor, chain: Chain) {
        if configuration.network.input != .text {
            throw GenerationError.invalid(
                option: "model", value: settings.model, expected: "a model that needs nothing but text")
        }
        let trajectory = try trajectory(settings)
        let denoiser = try denoiser(
            prompts: seeds.map { _ in settings.prompt }, negativePrompts: seeds.map { _ in settings.negativePrompt },
            guidance: ClassifierFreeGuidance(scale: settings.guidanceScale),
            treatment: SampleTreatment(clamp: settings.clamp.treatment))
        let noise = NoiseSource.perImage(try seeds.map { try RandomGenerator(seed: $0) })
        let start =
            try initialNoise?.to(device: device) ?? noise([seeds.count, 3, settings.height, settings.width], device: device)
        let chain = try Chain(
            settings.sampler.sampler, trajectory, denoiser, start: .given(start), noise: noise)
        return (start, chain)
    }

    /// The steps that the settings ask for.
    private func trajectory(_ settings: Settings) throws -> Trajectory {
        do {
            let standard = settings.sampler.spacing(steps: settings.steps)
            return try schedule.trajectory(
                Spacing(parsing: settings.schedule, steps: settings.steps, standard: standard))
        } catch let error as DiffusionError {
            throw GenerationError.invalid(
                option: "schedule", value: "\(settings.schedule) in \(settings.steps) steps",
                expected: "one that the model's process allows: \(error)")
        }
    }
}

/// Tensors [N, 3, H, W] in −1…1 as pictures.
func pictures(_ x: Tensor) throws -> [Picture] {
    let shape = x.shape
    return try (0..<shape[0]).map { try Picture(planes: x.at($0).floats(), width: shape[3], height: shape[2]) }
}
