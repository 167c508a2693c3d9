internal import Checkpoints
internal import Diffusion
package import Images
internal import Models
internal import Tensors
internal import Tokenizers

/// Pictures of the same prompts from the same noise, so that a run's progress can be seen.
extension Trainer {
    /// One picture a prompt, drawn with the averaged weights.
    package func samples() throws -> [Picture] {
        let shape = configuration.samples
        let prompts = shape.prompts
        guard !prompts.isEmpty else { return [] }
        let network = try averagedNetwork()
        let encoder = try model.text.encoder()
        let schedule = try model.diffusion.noiseSchedule()
        let trajectory = try schedule.trajectory(shape.sampler.spacing(steps: shape.steps))
        let (dtype, device) = (configuration.dtype, device)
        let groups = min(prompts.count, workers.count)
        let pictures = try workers.run(groups) { group in
            let own = Array(prompts[prompts.count * group / groups..<prompts.count * (group + 1) / groups])
            let first = prompts.count * group / groups
            return try withoutGradients {
                let padded = (own + own.map { _ in "" }).map { encoder.padded($0) }
                let rows = [padded.count, encoder.context]
                let tokens = try Tensor(padded.flatMap(\.ids), shape: rows).to(device: device)
                let mask = try Tensor(padded.flatMap(\.mask), shape: rows).to(device: device)
                let both = try withAutocast(dtype, device: device) {
                    try network.text(tokens: tokens, mask: mask)
                }
                let conditional = TextStates(
                    states: try both.states.narrow(0, start: 0, length: own.count),
                    embedding: try both.embedding.narrow(0, start: 0, length: own.count))
                let plain: Network = { query in
                    try withAutocast(dtype, device: device) {
                        try network(
                            query.x, timesteps: query.timesteps(), text: query.branch == .both ? both : conditional)
                    }
                }
                let denoiser = Denoiser(
                    schedule: schedule, prediction: model.diffusion.prediction, variance: model.diffusion.variance,
                    network: ClassifierFreeGuidance(scale: shape.guidanceScale).guide(plain))
                let side = model.imageSize
                var chain = try Chain(
                    shape.sampler.sampler, trajectory, denoiser,
                    start: .noise([own.count, 3, side, side], device: device),
                    noise: .seeded(shape.seed &+ UInt64(first), count: own.count))
                let numbers = try chain.run().to(.float32, device: .cpu).floats()
                let area = 3 * side * side
                return try own.indices.map { index in
                    try Picture(planes: Array(numbers[index * area..<(index + 1) * area]), width: side, height: side)
                }
            }
        }
        return pictures.flatMap { $0 }
    }
}
