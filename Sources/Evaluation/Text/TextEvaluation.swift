public import Checkpoints
internal import Datasets
internal import Diffusion
internal import Images
internal import Scenes
internal import Tensors

/// Which words a network hears, and at which noise: how well it predicts real scenes that it sees through noise when it is
/// told their own captions, captions that are false in one part alone, or none.
///
/// It compares what a diffusion classifier compares (Li et al. 2023), level by level and part by part.
public struct TextEvaluation {
    private let model: any DrawingModel
    private let set: PromptSet
    private let captions: [AlteredCaptions]
    private let scenes: ComposedScenes
    private let schedule: NoiseSchedule
    private let steps: [Int]
    private let squaredErrors: DenoisingErrors
    private let seed: UInt64
    private let batchSize: Int
    private var measured: [CaptionErrors] = []

    /// - Parameters:
    ///   - set: of scenes; one false caption a part is enough.
    ///   - levels: the middle steps of so many equal parts of the model's process.
    ///   - seed: of the noise and of the false captions; scene k has the same whatever the batch.
    ///   - batchSize: scenes that the network sees at once.
    /// - Throws: `EvaluationError.request` for a model that needs more than a prompt, a set without scenes, and more levels
    ///   than the process has steps.
    public init(
        _ model: any DrawingModel, _ set: PromptSet, levels: Int = 8, seed: UInt64 = 0, batchSize: Int = 16
    ) throws {
        let drawing = model.drawing
        guard drawing.sees == .text else {
            throw EvaluationError.request("\(drawing.name) does not draw from a text alone; expected a model that does")
        }
        guard set.hasScenes else {
            throw EvaluationError.request("the prompts \(set.name) are told of no scenes; expected held-out, train or pairs")
        }
        schedule = try drawing.diffusion.noiseSchedule()
        // A step that leaves nothing of the picture has an infinite σ.
        let count = schedule.sigmas.prefix { $0.isFinite }.count
        guard (1...count).contains(levels) else {
            throw EvaluationError.request("\(levels) levels of noise; the model's process has 1 to \(count)")
        }
        steps = (0..<levels).map { (2 * $0 + 1) * count / (2 * levels) }
        squaredErrors = try DenoisingErrors(model, schedule, steps: steps)
        scenes = try set.scenes(size: min(512, max(64, drawing.imageSize)))
        captions = set.alteredCaptions(seed: seed)
        (self.model, self.set, self.seed, self.batchSize) = (model, set, seed, max(1, batchSize))
    }

    /// Scenes that are done.
    public var count: Int { measured.count }

    /// Measures the scenes that are not done yet.
    ///
    /// - Parameter tell: gets the scenes done.
    /// - Throws: `CancellationError` where the task was cancelled; the batches before stay, and it can be asked again.
    public mutating func run(_ tell: (Int) -> Void = { _ in }) throws {
        for first in stride(from: count, to: captions.count, by: batchSize) {
            let batch = try withoutGradients { try errors(of: first..<min(first + batchSize, captions.count)) }
            measured += batch
            tell(count)
        }
    }

    public func report(data: String) -> TextReport {
        TextReport(
            model: model.drawing.name, data: data, set: set.name, seed: seed, count: count,
            levels: steps.enumerated().map { index, step in
                TextReport.Level(step: step, sigma: schedule.sigmas[step], measured, at: index)
            })
    }

    private func errors(of rows: Range<Int>) throws -> [CaptionErrors] {
        // The draws are in the order of drawing: a picture's latents, then its noise.
        let source = NoiseSource.perImage(
            try rows.map { row -> RandomGenerator in
                var draws = SeededGenerator(seed, UInt64(row))
                return try RandomGenerator(seed: draws.next())
            })
        let x0 = try model.encode(pixels(of: rows).to(device: model.device), noise: source, tiling: .auto)
        let noise = try source(like: x0)
        let own = Array(captions[rows])
        let truth = try squaredErrors(x0, noise, captions: own.map(\.truth))
        let empty = try squaredErrors(x0, noise, captions: own.map { _ in "" })
        var found = own.indices.map { CaptionErrors(truth: truth[$0], empty: empty[$0]) }
        for part in ScenePart.allCases {
            let altered = own.indices.filter { own[$0].parts[part] != nil }
            guard !altered.isEmpty else { continue }
            let index = try Tensor(altered, shape: [altered.count]).to(device: x0.device)
            let errors = try squaredErrors(
                x0.indexSelect(0, index), noise.indexSelect(0, index), captions: altered.compactMap { own[$0].parts[part] })
            for (row, numbers) in zip(altered, errors) { found[row].parts[part] = numbers }
        }
        return found
    }

    /// [N, 3, side, side] in −1…1, as the model's own training has them.
    private func pixels(of rows: Range<Int>) throws -> Tensor {
        let side = model.drawing.imageSize
        let preparation = Preparation(size: side)
        let values = try rows.flatMap { row -> [Float] in
            if Task.isCancelled { throw CancellationError() }
            let picture = try scenes.scene(at: set.indices[row]).picture
            return try preparation.picture(of: Example(picture: picture.rgb, caption: "", key: "scene"), variation: 0)
                .planes()
        }
        return try Tensor(values, shape: [rows.count, 3, side, side])
    }
}
