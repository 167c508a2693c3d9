internal import Checkpoints
internal import Diffusion
internal import Tensors

/// How far the predictions of a network that sees clean pictures through noise, and is told a caption, are from these
/// pictures; without guidance.
struct DenoisingErrors {
    private let model: any DrawingModel
    private let schedule: NoiseSchedule
    private let levels: [NoiseLevel]

    /// - Parameter steps: of the model's process.
    init(_ model: any DrawingModel, _ schedule: NoiseSchedule, steps: [Int]) throws {
        self.model = model
        self.schedule = schedule
        levels = try steps.map { try schedule.level(timestep: Double($0)) }
    }

    /// The predictions are not clamped: the errors of two captions at one level have then the same ratio in ε, x₀ and v,
    /// whichever the network predicts.
    ///
    /// - Parameters:
    ///   - x0: what the sampler works on, clean: [N, C, h, w].
    ///   - noise: of unit deviation, of the same shape; the same at all levels.
    ///   - captions: N; where all are empty, what guidance leads away from.
    /// - Returns: each picture's mean squared error of the predicted x₀ at each level, [N][levels].
    /// - Throws: `EvaluationError.request` for a prediction that is not finite; `CancellationError` between two levels.
    func callAsFunction(_ x0: Tensor, _ noise: Tensor, captions: [String]) throws -> [[Double]] {
        let (side, diffusion) = (model.drawing.imageSize, model.drawing.diffusion)
        let network = try model.network(
            DrawingRequest(prompts: captions, negativePrompts: captions.map { _ in "" }, height: side, width: side),
            guidance: nil)
        let branch: Branch = captions.allSatisfy(\.isEmpty) ? .unconditional : .conditional
        let denoiser = Denoiser(
            schedule: schedule, prediction: diffusion.prediction, variance: diffusion.variance,
            treatment: SampleTreatment(clamp: .none)
        ) { query in try network(Query(x: query.x, level: query.level, branch: branch)) }
        var errors = [[Double]](repeating: [], count: captions.count)
        for level in levels {
            if Task.isCancelled { throw CancellationError() }
            let predicted = try denoiser.estimate(Scales(level).noised(x0, noise), at: level).x0
            let values = try (predicted - x0).to(.float32, device: .cpu).floats()
            let size = values.count / max(1, captions.count)
            for row in captions.indices {
                // One after another, so that a picture's sum does not depend on its batch.
                let sum = values[row * size..<(row + 1) * size].reduce(0.0) { $0 + Double($1) * Double($1) }
                guard sum.isFinite else {
                    throw EvaluationError.request(
                        "\(model.drawing.name) predicts numbers that are not finite at step \(Int(level.timestep))")
                }
                errors[row].append(sum / Double(size))
            }
        }
        return errors
    }
}
