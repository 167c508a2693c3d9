internal import Checkpoints
internal import Datasets
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
            let drawn = try draw(prompts, network, Sight(), side: model.imageSize, workers)
            return zip(drawn, prompts).map { (picture: $0, caption: $1) }
        }
        guard let data else { return [] }
        let loader = try BatchLoader(
            data, preparation: configuration.preparation, batchSize: min(4, prompts.count),
            seed: configuration.samples.seed)
        let batch = try loader.batch(step: 0)
        let pixels = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
        let plain = try Conditioning(configuration.conditioning, input: model.network.input).plain(pixels)
        let drawn = try draw(batch.captions, network, Sight(plain.conditions), side: batch.size, workers)
        let (seen, truth) = (try pictures(plain.conditions.shown(side: batch.size)), try pictures(pixels))
        return batch.captions.indices.flatMap { index in
            [(seen[index], "seen"), (drawn[index], batch.captions[index]), (truth[index], "truth")]
        }
    }

    /// What is seen beside the noise, for some of the pictures at a time.
    private struct Sight {
        var conditions = GLIDE.Conditions()

        init(_ conditions: GLIDE.Conditions = GLIDE.Conditions()) { self.conditions = conditions }

        /// - Parameter twice: for both halves of guidance.
        func rows(_ rows: Range<Int>, twice: Bool, device: Device) throws -> GLIDE.Conditions {
            func cut(_ tensor: Tensor) throws -> Tensor {
                let own = try tensor.narrow(0, start: rows.lowerBound, length: rows.count).to(device: device)
                return twice ? try .concatenate([own, own], dim: 0) : own
            }
            return GLIDE.Conditions(
                lowResolution: try conditions.lowResolution.map(cut), image: try conditions.image.map(cut),
                mask: try conditions.mask.map(cut))
        }
    }

    private func draw(
        _ prompts: [String], _ network: GLIDE, _ sight: Sight, side: Int, _ workers: WorkerGroup
    ) throws -> [Picture] {
        let shape = configuration.samples
        let encoder = try model.text.encoder()
        let schedule = try model.diffusion.noiseSchedule()
        let trajectory = try schedule.trajectory(shape.sampler.spacing(steps: shape.steps))
        let (dtype, device) = (configuration.dtype, device)
        let groups = min(prompts.count, workers.count)
        return try workers.run(groups) { group in
            let rows = prompts.count * group / groups..<prompts.count * (group + 1) / groups
            let own = Array(prompts[rows])
            return try withoutGradients {
                let padded = (own + own.map { _ in "" }).map { encoder.padded($0) }
                let size = [padded.count, encoder.context]
                let tokens = try Tensor(padded.flatMap(\.ids), shape: size).to(device: device)
                let mask = try Tensor(padded.flatMap(\.mask), shape: size).to(device: device)
                let both = try withAutocast(dtype, device: device) {
                    try network.text(tokens: tokens, mask: mask)
                }
                let conditional = TextStates(
                    states: try both.states.narrow(0, start: 0, length: own.count),
                    embedding: try both.embedding.narrow(0, start: 0, length: own.count))
                let seen = (
                    once: try sight.rows(rows, twice: false, device: device),
                    twice: try sight.rows(rows, twice: true, device: device)
                )
                let plain: Network = { query in
                    let isBoth = query.branch == .both
                    return try withAutocast(dtype, device: device) {
                        try network(
                            query.x, timesteps: query.timesteps(), text: isBoth ? both : conditional,
                            conditions: isBoth ? seen.twice : seen.once)
                    }
                }
                let treatment: SampleTreatment =
                    if let image = seen.once.image, let known = seen.once.mask {
                        .keeping(image, where: known)
                    } else {
                        SampleTreatment()
                    }
                let denoiser = Denoiser(
                    schedule: schedule, prediction: model.diffusion.prediction, variance: model.diffusion.variance,
                    treatment: treatment, network: ClassifierFreeGuidance(scale: shape.guidanceScale).guide(plain))
                var chain = try Chain(
                    shape.sampler.sampler, trajectory, denoiser,
                    start: .noise([own.count, 3, side, side], device: device),
                    noise: .seeded(shape.seed &+ UInt64(rows.lowerBound), count: own.count))
                return try pictures(chain.run())
            }
        }.flatMap { $0 }
    }

    private func pictures(_ pixels: Tensor) throws -> [Picture] {
        let (count, height, width) = (pixels.shape[0], pixels.shape[2], pixels.shape[3])
        let numbers = try pixels.to(.float32, device: .cpu).contiguous().floats()
        let area = 3 * height * width
        return try (0..<count).map { index in
            try Picture(planes: Array(numbers[index * area..<(index + 1) * area]), width: width, height: height)
        }
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
