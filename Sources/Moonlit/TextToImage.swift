public import Checkpoints
public import Diffusion
import Foundation
import Images
import Models
public import Tensors
public import Tokenizers

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
    public nonisolated let configuration: any DrawingConfiguration
    /// What was changed of the model when it was loaded.
    public nonisolated let options: Options
    /// What guides and ranks, where it was loaded too.
    public nonisolated let clip: ModelSource?
    private let thread: ModelThread
    private let model: any DrawingModel
    private let likeness: Likeness?

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// What the network computes in, and where.
    public struct Options: Sendable {
        /// `int8`: the U-Net's large matrix products in whole numbers of 8 bits, the rest in bfloat16; where `hasInt8`.
        public var dtype: DType
        /// Where it computes: the CPU unless given; `Device.best` is a GPU where there is one.
        public var device: Device
        /// Threads that one operation may use on the CPU; nil is libtorch's choice.
        public var threads: Int?
        /// LoRAs and textual inversions.
        public var additions: LatentModel.Additions
        /// What the network predicts, where its files do not say it or are wrong.
        public var prediction: Prediction?

        /// Whether this processor computes in `int8`; elsewhere it is bfloat16 altogether.
        public static var hasInt8: Bool { PackedLinear.canQuantize }

        /// In float32 on the CPU, unless given.
        public init(
            dtype: DType = .float32, device: Device = .cpu, threads: Int? = nil,
            additions: LatentModel.Additions = .init(), prediction: Prediction? = nil
        ) {
            self.dtype = dtype
            self.device = device
            self.threads = threads
            self.additions = additions
            self.prediction = prediction
        }
    }

    /// Loads a model's weights.
    ///
    /// A program that is for drawing may call `Engine.expectLargeTensors()` before: large networks are faster with the
    /// memory that it keeps.
    ///
    /// - Parameter clip: a model of pictures and texts, for guidance and ranking: Moonlit's own file, or GLIDE's
    ///   `clip_image_enc.pt` and `clip_text_enc.pt`, by their folder or by one of them.
    /// - Throws: `GenerationError.unknownModel`, `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func load(
        _ source: ModelSource = .bundled, clip: ModelSource? = nil, options: Options = Options()
    ) async throws -> TextToImage {
        let thread = ModelThread(name: "moonlit.model")
        return TextToImage(try await Loader(thread: thread).load(source, clip: clip, options), on: thread)
    }

    private init(_ loaded: sending Loaded, on thread: ModelThread) {
        configuration = loaded.model.drawing
        options = loaded.options
        clip = loaded.clip
        model = loaded.model
        likeness = loaded.likeness
        self.thread = thread
    }

    /// A model, and what it was loaded with.
    private struct Loaded {
        let model: any DrawingModel
        let likeness: Likeness?
        let clip: ModelSource?
        let options: Options
    }

    /// Loads on the model's own thread: each thread that computes has libtorch's threads of its own, and where there are
    /// more of them than cores, they sleep between two operations.
    private actor Loader {
        private let thread: ModelThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

        init(thread: ModelThread) { self.thread = thread }

        func load(_ source: ModelSource, clip: ModelSource?, _ options: Options) throws -> sending Loaded {
            // libtorch keeps the number with the thread that computes.
            if let threads = options.threads { Engine.threads = threads }
            let file = try PublishedModel(source.path())
            return Loaded(
                model: try file.predicting(options.prediction)
                    .load(additions: options.additions, dtype: options.dtype, device: options.device),
                likeness: try clip.map { try Likeness($0, device: options.device) }, clip: clip, options: options)
        }
    }

    /// How many tokens of a prompt the model does not read.
    public func tokensCut(from prompt: String, reading: PromptReading = .webUI) throws -> Int {
        try model.tokensCut(from: prompt, reading: reading)
    }

    /// Draws pictures: as many as the request says, in the order of their seeds; the best of `candidates`, the likest
    /// first.
    ///
    /// - Throws: `GenerationError` for a request that cannot be met, `TensorError`, or `CancellationError` where the
    ///   task was cancelled between two steps.
    public func generate(_ request: GenerationRequest) throws -> [GeneratedPicture] {
        var results: [GeneratedPicture] = []
        var shortlist = Shortlist(places: request.count)
        try draw(request, showing: []) { step in
            if request.candidates == nil { results += step.results } else { shortlist.take(step.results) }
        }
        return request.candidates == nil ? results : shortlist.best
    }

    /// Draws one picture, and tells which word made which part of it. The prompt is read plainly: brackets are text.
    ///
    /// - Parameters:
    ///   - words: those that are asked about, whatever their case; nil asks about all that the model reads.
    ///   - tell: gets the steps done, of how many, of all pictures that are drawn.
    /// - Throws: what `generate` throws; `GenerationError.invalid` for a request of several pictures, for a model that
    ///   enlarges pictures, and for a word that is none of those, before anything is drawn.
    public func explain(
        _ request: GenerationRequest, by method: Explanation.Method = .attention, words: [String]? = nil,
        _ tell: @Sendable (_ step: Int, _ count: Int) -> Void = { _, _ in }
    ) throws -> Explanation {
        try checkOne(request)
        var request = request
        request.reading = .plain
        let prompt = try PromptWords(model.tokens(in: request.prompt), of: request.prompt, naming: words)
        let record = method == .attention ? AttentionRecord() : nil
        let pictures = record == nil ? 1 + prompt.asked.count : 1
        var done = 0
        let drawn = try drawOne(request, attention: record, after: &done, of: pictures, tell)
        if let record {
            return try Explanation(attentionTo: prompt, record, of: drawn, factor: configuration.latentFactor)
        }
        return try Explanation(removalOf: prompt, from: drawn) { word in
            var without = request
            without.prompt.removeSubrange(word.place)
            return try drawOne(without, after: &done, of: pictures, tell)
        }
    }

    /// Draws a prompt and another one from the same noise, and says where and how much the pictures differ. Prompts are
    /// read plainly.
    ///
    /// - Parameter tell: as in `explain`.
    /// - Throws: what `generate` throws; `GenerationError.invalid` for a request of several pictures, and for a model that
    ///   enlarges pictures.
    public func compare(
        _ request: GenerationRequest, with prompt: String,
        _ tell: @Sendable (_ step: Int, _ count: Int) -> Void = { _, _ in }
    ) throws -> PromptComparison {
        try checkOne(request)
        var done = 0
        let drawn = try [request.prompt, prompt, ""].map { prompt in
            var own = request
            own.prompt = prompt
            own.reading = .plain
            return try drawOne(own, after: &done, of: 3, tell)
        }
        return PromptComparison(drawn[0], drawn[1], unprompted: drawn[2])
    }

    private func checkOne(_ request: GenerationRequest) throws {
        guard request.drawn == 1 else {
            throw GenerationError.invalid(option: "count", value: "\(request.drawn)", expected: "1, one picture to explain")
        }
        guard !configuration.sees.seesLowResolution else {
            throw GenerationError.invalid(
                option: "model", value: configuration.name, expected: "a model that draws by itself: this one enlarges")
        }
    }

    /// Draws one of several pictures of as many steps.
    ///
    /// - Parameter done: the steps of the pictures before it, to which its own are added.
    private func drawOne(
        _ request: GenerationRequest, attention: AttentionRecord? = nil, after done: inout Int, of pictures: Int,
        _ tell: (_ step: Int, _ count: Int) -> Void
    ) throws -> GeneratedPicture {
        var drawn: GeneratedPicture?
        try draw(request, showing: [], attention: attention) { step in
            drawn = step.results.first ?? drawn
            done += 1
            tell(done, pictures * step.count)
        }
        guard let drawn else { throw CancellationError() }
        return drawn
    }

    /// What a stream's steps show besides their number. After the last step the first two are the finished picture, which
    /// no decoder makes again.
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
    ///
    /// - Parameter interval: previews are made of every so many steps; the last latents are not concerned.
    public nonisolated func stream(
        _ request: GenerationRequest, showing previews: Set<Preview> = [.predicted], every interval: Int = 1
    ) -> AsyncThrowingStream<GenerationStep, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    try await self.draw(request, showing: previews, every: max(1, interval)) { continuation.yield($0) }
                    continuation.finish()
                } catch is CancellationError {
                    // It was the iteration's end that cancelled: what was told before is read without an error.
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func draw(
        _ request: GenerationRequest, showing previews: Set<Preview>, every interval: Int = 1,
        attention: AttentionRecord? = nil, _ tell: (GenerationStep) -> Void
    ) throws {
        var settings = try Settings(request, model: configuration, clip: clip?.text)
        if options.additions != LatentModel.Additions() { settings.additions = options.additions }
        settings.prediction = options.prediction
        let drawing = try Drawing(model, request, settings, likeness: likeness, attention: attention)
        for first in stride(from: 0, to: request.drawn, by: request.batchSize) {
            let rows = first..<min(first + request.batchSize, request.drawn)
            var (start, chain) = try drawing.chain(rows, seeds: rows.map { request.seed(of: $0) })
            let noise = previews.contains(.noisy) ? try drawing.pictures(start) : []
            while let step = try chain.next() {
                let last = step.isLast ? try drawing.pictures(step.x) : nil
                let isShown = (step.index + 1) % interval == 0
                func shown(_ preview: Preview, _ x: Tensor) throws -> [Picture] {
                    guard isShown, previews.contains(preview) else { return [] }
                    return try last ?? drawing.pictures(x)
                }
                tell(
                    GenerationStep(
                        firstPicture: first, index: step.index, count: step.count,
                        previews: try shown(.predicted, step.x0), noisy: try shown(.noisy, step.x),
                        noise: step.index == 0 ? noise : [],
                        latents: step.isLast && previews.contains(.latents) ? try Latents(step.x) : nil,
                        results: try last.map { try finished($0, rows, settings, request) } ?? []))
            }
        }
    }

    /// Pictures with their own settings; of candidates, with their likeness to the prompt.
    ///
    /// - Parameter rows: which pictures of the request they are.
    private func finished(
        _ pictures: [Picture], _ rows: Range<Int>, _ settings: Settings, _ request: GenerationRequest
    ) throws -> [GeneratedPicture] {
        let scores = try request.candidates == nil ? nil : likeness?.scores(pictures, prompt: settings.plain(settings.prompt))
        return zip(pictures.indices, rows).map { index, row in
            var own = settings
            own.seed = request.seed(of: row)
            if settings.hasGivenNoise { own.noiseRow = row }
            if let candidates = request.candidates, let likeness, let scores {
                own.choice = .init(candidates: candidates, likeness: scores[index], clip: likeness.name)
            }
            return GeneratedPicture(picture: pictures[index], settings: own)
        }
    }
}
