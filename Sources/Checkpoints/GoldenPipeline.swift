internal import Diffusion
package import Models
package import Tensors

/// GLIDE's whole way from tokens to the enlarged picture, held against what glide-text2im drew (its notebook
/// `text2im.ipynb`; the file is made by `Tests/Fixtures/glide/pipeline.py`): ten guided ancestral steps of the base, eight
/// bits, `fast27` of the upsampler by DDIM.
package struct GoldenPipeline {
    /// `pipeline.tokens` and `.mask` [2, context], the prompt and the empty one, `.upsampler_noise` [1, 3, 4H, 4W], to
    /// `.base` [1, 3, H, W] and `.output` [1, 3, 4H, 4W]; the seed and the scales in the metadata.
    private let golden: TensorArchive
    private let seed: UInt64
    private let guidanceScale: Double
    private let temperature: Double

    /// - Throws: `CheckpointError` where the metadata lack a number.
    package init(_ golden: TensorArchive) throws {
        self.golden = golden
        func number<T>(_ key: String, _ parse: (String) -> T?) throws -> T {
            guard let value = golden.metadata[key].flatMap(parse) else {
                throw CheckpointError(golden.file.path, "says no \(key) in its metadata", expected: "a number")
            }
            return value
        }
        seed = try number("seed") { UInt64($0) }
        guidanceScale = try number("guidance_scale") { Double($0) }
        temperature = try number("upsample_temperature") { Double($0) }
    }

    /// Draws with both networks and compares the small picture and the large one.
    package func compare(base: GLIDE, upsampler: GLIDE, device: Device = .cpu) throws -> [Comparison] {
        let small = try draw(base, device)
        let large = try enlarge(small, upsampler, device)
        return [
            try Comparison(part: "pipeline.base", small, expected: golden.tensor("pipeline.base")),
            try Comparison(part: "pipeline.output", large, expected: golden.tensor("pipeline.output")),
        ]
    }

    private func text(_ network: GLIDE, _ rows: Range<Int>, _ device: Device) throws -> TextStates {
        func input(_ name: String) throws -> Tensor { try golden.tensor("pipeline." + name).rows(rows).to(device: device) }
        return try withoutGradients { try network.text(tokens: input("tokens"), mask: input("mask").to(.bool)) }
    }

    private func draw(_ network: GLIDE, _ device: Device) throws -> Tensor {
        let wanted = try text(network, 0..<1, device)
        let unwanted = try text(network, 1..<2, device)
        let both = try text(network, 0..<2, device)
        let ask: Network = { query in
            let text =
                switch query.branch {
                case .conditional: wanted
                case .unconditional: unwanted
                case .both: both
                }
            return try network(query.x, timesteps: query.timesteps(), text: text)
        }
        let plan = try DiffusionConfiguration(schedule: .squaredCosine).plan(.ddpm, steps: 10)
        // The seed alone gives every draw, for the conditional and the unconditional half.
        let noise = NoiseSource.batch(try RandomGenerator(seed: seed), copies: 2)
        var chain = try Chain(
            plan, plan.denoiser(ClassifierFreeGuidance(scale: guidanceScale).guide(ask)),
            start: .noise(golden.tensor("pipeline.base").shape, device: device), noise: noise)
        return try chain.run()
    }

    private func enlarge(_ small: Tensor, _ network: GLIDE, _ device: Device) throws -> Tensor {
        let states = try text(network, 0..<1, device)
        let eightBits = try ((small + 1) * 127.5).round() / 127.5 - 1
        let conditions = GLIDE.Conditions(lowResolution: eightBits)
        let plan = try DiffusionConfiguration(schedule: .linear).plan(.ddim, steps: 27, schedule: "fast27")
        var chain = try Chain(
            plan,
            plan.denoiser { query in
                try network(query.x, timesteps: query.timesteps(), text: states, conditions: conditions)
            },
            start: .given(golden.tensor("pipeline.upsampler_noise").to(device: device), scale: temperature),
            noise: try .seeded(seed, count: 1))
        return try chain.run()
    }
}
