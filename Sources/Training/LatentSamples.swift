internal import Checkpoints
internal import Diffusion
package import Images
internal import Layers
internal import Models
package import Tensors

extension LatentObjective {
    /// One picture a prompt, drawn with the averaged weights and decoded.
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
        let groups = min(prompts.count, workers.count)
        let drawn = try workers.run(groups) { group in
            let rows = prompts.count * group / groups..<prompts.count * (group + 1) / groups
            return try draw(Array(prompts[rows]), averaged, seed: configuration.samples.seed &+ UInt64(rows.lowerBound))
        }
        return zip(drawn.flatMap { $0 }, prompts).map { (picture: $0, caption: $1) }
    }

    private func draw(_ prompts: [String], _ networks: Networks, seed: UInt64) throws -> [Picture] {
        let shape = configuration.samples
        let (dtype, device, unet) = (configuration.dtype, device, networks.unet)
        let side = model.imageSize / model.autoencoder.factor
        return try withoutGradients {
            let wanted = try states(prompts, networks)
            let both = try Tensor.concatenate([wanted, states(prompts.map { _ in "" }, networks)])
            let (once, twice) = try (
                unet.prepared(UNetContext(text: wanted)), unet.prepared(UNetContext(text: both))
            )
            let ask: Network = { query in
                try withAutocast(dtype, device: device) {
                    try unet(query.x, timesteps: query.timesteps(), context: query.branch == .both ? twice : once)
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
