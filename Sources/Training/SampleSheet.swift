internal import Checkpoints
internal import Diffusion
package import Images
internal import Layers
internal import Models
package import Tensors
internal import Tokenizers

/// Pictures of the same prompts from the same noise, so that a run's progress can be seen.
extension DiffusionObjective {
    /// One picture a prompt, drawn with the averaged weights; for a network that sees pictures, for each of a few of the
    /// data's: what it sees, what it makes of it, and the truth.
    package func samples(
        _ averages: [(name: String, value: Tensor)], workers: WorkerGroup
    ) throws -> [(picture: Picture, caption: String)] {
        let prompts = configuration.samples.prompts
        guard !prompts.isEmpty else { return [] }
        let store = WeightStore(.tensors(TensorDictionary(averages, name: "averages")), device: device)
        let network = try GLIDE(Weights(store), configuration: model.network)
        try store.finish()
        guard model.network.input != .text else {
            let drawn = try draw(prompts, network, GLIDE.Conditions(), side: model.imageSize, workers)
            return zip(drawn, prompts).map { (picture: $0, caption: $1) }
        }
        guard let data else { return [] }
        let examples = try ShownExamples(of: data, for: configuration)
        let plain = try Conditioning(configuration.conditioning, input: model.network.input).plain(examples.pixels)
        let side = try examples.pixels.size(3)
        let drawn = try draw(examples.captions, network, plain.conditions, side: side, workers)
        return try examples.sheet(seen: plain.conditions.shown(side: side), drawn: drawn)
    }

    private func draw(
        _ prompts: [String], _ network: GLIDE, _ conditions: GLIDE.Conditions, side: Int, _ workers: WorkerGroup
    ) throws -> [Picture] {
        let shape = configuration.samples
        let drawing = try TextToImageModel(network, configuration: model, device: device)
        let trajectory = try drawing.schedule.trajectory(shape.sampler.spacing(steps: shape.steps))
        let (dtype, device) = (configuration.dtype.on(device), device)
        let groups = min(prompts.count, workers.count)
        return try workers.run(groups) { group in
            let rows = prompts.count * group / groups..<prompts.count * (group + 1) / groups
            let seen = try conditions.map { try $0.rows(rows).to(device: device) }
            let treatment: SampleTreatment =
                if let image = seen.image, let known = seen.mask { .keeping(image, where: known) } else { SampleTreatment() }
            return try withoutGradients {
                var denoiser = try withAutocast(dtype, device: device) {
                    try drawing.denoiser(
                        prompts: Array(prompts[rows]), negativePrompts: rows.map { _ in "" },
                        guidance: ClassifierFreeGuidance(scale: shape.guidanceScale), conditions: seen,
                        treatment: treatment)
                }
                let plain = denoiser.network
                denoiser.network = { query in try withAutocast(dtype, device: device) { try plain(query) } }
                var chain = try Chain(
                    shape.sampler.sampler, trajectory, denoiser,
                    start: .noise([rows.count, 3, side, side], device: device),
                    noise: .seeded(shape.seed &+ UInt64(rows.lowerBound), count: rows.count))
                return try pictures(chain.run())
            }
        }.flatMap { $0 }
    }
}

extension GLIDE.Conditions {
    /// As a person can look at it: the small picture enlarged pixel by pixel, and what is unknown grey.
    fileprivate func shown(side: Int) throws -> Tensor {
        if let image, let mask {
            let under = try lowResolution?.resize(height: side, width: side, .nearest)
            return try image * mask + (under ?? image * 0) * (1 - mask)
        }
        return try (lowResolution ?? .zeros([1, 3, side, side])).resize(height: side, width: side, .nearest)
    }
}
