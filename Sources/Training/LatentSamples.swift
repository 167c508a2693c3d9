internal import Checkpoints
internal import Diffusion
package import Images
internal import Layers
internal import Models
package import Tensors

extension LatentObjective {
    /// One picture a prompt, drawn with the averaged weights and decoded; for a network that sees a hole, for each of a few
    /// of the data's: what it sees, what it makes of it, and the truth.
    package func samples(
        _ averages: [(name: String, value: Tensor)], workers: WorkerGroup
    ) throws -> [(picture: Picture, caption: String)] {
        let prompts = configuration.samples.prompts
        guard !prompts.isEmpty else { return [] }
        let store = WeightStore(.tensors(TensorDictionary(averages, name: "averages")), device: device)
        let weights = Weights(store)
        let averaged = Networks(
            unet: try UNet(weights / "unet", configuration: model.unet),
            tower: try text.frozen?.tower ?? CLIPTextTower(weights / "text_encoder", configuration: text.network))
        try store.finish()
        guard let erasing else {
            let drawn = try draw(prompts, averaged, around: nil, workers)
            return zip(drawn, prompts).map { (picture: $0, caption: $1) }
        }
        let examples = try ShownExamples(of: data, for: configuration)
        guard let known = try erasing.plain(examples.pixels).conditions.mask else { return [] }
        let side = try examples.pixels.size(3) / model.autoencoder.factor
        let middle = try Tensor.zeros(
            [examples.captions.count, model.autoencoder.latentChannels, side, side], device: device)
        let around = try seen(examples.pixels.to(device: device), known: known.to(device: device), drawing: middle)
        let painted = try draw(examples.captions, averaged, around: around, workers)
        return try examples.sheet(seen: examples.pixels * known, drawn: painted)
    }

    /// - Parameter around: what the U-Net sees behind the latents, a row a prompt.
    private func draw(
        _ prompts: [String], _ networks: Networks, around: Tensor?, _ workers: WorkerGroup
    ) throws -> [Picture] {
        let groups = min(prompts.count, workers.count)
        let drawn = try workers.run(groups) { group in
            let rows = prompts.count * group / groups..<prompts.count * (group + 1) / groups
            return try draw(
                Array(prompts[rows]), networks, around: around?.rows(rows),
                seed: configuration.samples.seed &+ UInt64(rows.lowerBound))
        }
        return drawn.flatMap { $0 }
    }

    private func draw(_ prompts: [String], _ networks: Networks, around: Tensor?, seed: UInt64) throws -> [Picture] {
        let shape = configuration.samples
        let (dtype, device, unet) = (configuration.dtype.on(device), device, networks.unet)
        let side = model.imageSize / model.autoencoder.factor
        return try withoutGradients {
            let wanted = try states(prompts, networks)
            let both = try Tensor.concatenate([wanted, states(prompts.map { _ in "" }, networks)])
            let (once, twice) = try (
                unet.prepared(UNetContext(text: wanted)), unet.prepared(UNetContext(text: both))
            )
            let ask: Network = { query in
                var x = query.x
                if let around {
                    x = try .concatenate([x, query.branch == .both ? .concatenate([around, around]) : around], dim: 1)
                }
                return try withAutocast(dtype, device: device) { [x] in
                    try unet(x, timesteps: query.timesteps(), context: query.branch == .both ? twice : once)
                }
            }
            let plan = try model.diffusion.plan(shape.sampler, steps: shape.steps)
            var chain = try Chain(
                plan,
                plan.denoiser(
                    treatment: SampleTreatment(clamp: .none),
                    ClassifierFreeGuidance(scale: shape.guidanceScale).guide(ask)),
                start: .noise([prompts.count, model.autoencoder.latentChannels, side, side], device: device),
                noise: .seeded(seed, count: prompts.count))
            return try pictures(autoencoder.decode(autoencoder.unscaled(chain.run())))
        }
    }
}
