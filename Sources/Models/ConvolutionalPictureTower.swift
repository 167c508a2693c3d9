internal import Layers
internal import Tensors

/// A small residual network for small pictures: two halvings, residual blocks between further ones, then attention
/// between the places of the last grid, whose mean is the picture.
///
/// Places have learned positions, for a caption may tell left from right. A tower of noisy pictures is told the step as a
/// U-Net's blocks are: scale and shift of each block's second normalisation (Dhariwal & Nichol 2021, §3).
struct ConvolutionalPictureTower {
    let stem: [Convolution2D]
    let time: [Linear]?
    let stages: [Stage]
    let positions: Tensor
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let projection: Linear
    private static let sinusoid = 64

    struct Stage {
        /// From the stage before, to half the side; nil for the first.
        let halving: (norm: GroupNorm, convolution: Convolution2D)?
        let blocks: [PictureBlock]

        /// [N, width before, H, W] → [N, width, H / 2, W / 2], rounded up; the first keeps the size.
        func callAsFunction(_ x: Tensor, _ emb: Tensor?) throws -> Tensor {
            var x = x
            if let halving { x = try halving.convolution(halving.norm.activated(x)) }
            for block in blocks { x = try block(x, emb) }
            return x
        }
    }

    init(_ weights: Weights, configuration: ContrastiveConfiguration) throws {
        guard case .convolutional(let widths, let count, let layers, let heads) = configuration.picture,
            let first = widths.first, let last = widths.last
        else { throw ConfigurationError("a convolutional tower that is \(configuration.picture)") }
        stem = [
            try Convolution2D(weights / "stem" / 0, in: 3, out: first / 2, stride: 2),
            try Convolution2D(weights / "stem" / 1, in: first / 2, out: first, stride: 2),
        ]
        let timeWidth = 4 * first
        time = try configuration.timesteps.map { _ in
            [
                try Linear(weights / "time_embed" / 0, in: Self.sinusoid, out: timeWidth),
                try Linear(weights / "time_embed" / 2, in: timeWidth, out: timeWidth),
            ]
        }
        let isNoised = configuration.timesteps != nil
        stages = try widths.indices.map { index in
            let stage = weights / "stages" / index
            let width = widths[index]
            var halving: (norm: GroupNorm, convolution: Convolution2D)?
            if index > 0 {
                let before = widths[index - 1]
                halving = (
                    try GroupNorm(
                        stage / "norm", channels: before, groups: ContrastiveConfiguration.normGroups),
                    try Convolution2D(stage / "halving", in: before, out: width, stride: 2)
                )
            }
            return Stage(
                halving: halving,
                blocks: try (0..<count).map {
                    try PictureBlock(stage / "blocks" / $0, width: width, time: isNoised ? timeWidth : nil)
                })
        }
        let grid = configuration.side / configuration.sizeMultiple
        positions = try weights.parameter(
            "positional_embedding", [grid * grid, last], initial: .normal(deviation: 0.02))
        blocks = try (0..<layers).map {
            try TransformerBlock(weights / "transformer" / "resblocks" / $0, width: last, heads: heads)
        }
        norm = try LayerNorm(weights / "final_ln", width: last)
        projection = try Linear(weights / "projection", in: last, out: configuration.embedding, bias: false)
    }

    /// [N, 3, side, side] and [N] → [N, embedding], of any length.
    func callAsFunction(_ pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        var x = try quartered(pictures)
        let emb = try timesteps.flatMap { try embed($0) }
        for stage in stages { x = try stage(x, emb) }
        let shape = x.shape
        x = try x.reshape([shape[0], shape[1], shape[2] * shape[3]]).transpose(1, 2) + positions  // [N, grid², width]
        for block in blocks { x = try block(x) }
        return try projection(norm(x).mean([1]))
    }

    /// What each stage makes of pictures of any size, [N, 3, H, W] and [N] → [N, widths[i], H / (4 · 2ⁱ), W / (4 · 2ⁱ)],
    /// rounded up.
    func maps(of pictures: Tensor, timesteps: Tensor?) throws -> [Tensor] {
        var x = try quartered(pictures)
        let emb = try timesteps.flatMap { try embed($0) }
        var maps: [Tensor] = []
        for stage in stages {
            x = try stage(x, emb)
            maps.append(x)
        }
        return maps
    }

    /// [N, 3, H, W] → [N, widths[0], H / 4, W / 4 rounded up].
    private func quartered(_ pictures: Tensor) throws -> Tensor {
        let x = try pictures.to(stem[0].weight.dtype).channelsLast()
        return try stem[1](stem[0](x).silu())
    }

    /// [N] → [N, 4 · widths[0]], through SiLU.
    private func embed(_ timesteps: Tensor) throws -> Tensor? {
        guard let time else { return nil }
        let sinusoids = try timestepEmbedding(timesteps, width: Self.sinusoid).to(time[0].weight.dtype)
        return try time[1](time[0](sinusoids).silu()).silu()
    }
}

/// norm → SiLU → convolution → norm, scaled and shifted by the time → SiLU → convolution, plus the input.
struct PictureBlock {
    let inNorm, outNorm: GroupNorm
    let inConvolution, outConvolution: Convolution2D
    let modulation: Linear?

    /// - Parameter time: the width of the time's embedding; nil for clean pictures.
    init(_ weights: Weights, width: Int, time: Int?) throws {
        let groups = ContrastiveConfiguration.normGroups
        inNorm = try GroupNorm(weights / "in_layers" / 0, channels: width, groups: groups)
        inConvolution = try Convolution2D(weights / "in_layers" / 2, in: width, out: width)
        modulation = try time.map { try Linear(weights / "emb_layers" / 1, in: $0, out: 2 * width) }
        outNorm = try GroupNorm(weights / "out_layers" / 0, channels: width, groups: groups)
        outConvolution = try Convolution2D(weights / "out_layers" / 3, in: width, out: width, initial: .zeros)
    }

    /// - Parameters:
    ///   - x: [N, width, H, W].
    ///   - emb: [N, time], through SiLU.
    func callAsFunction(_ x: Tensor, _ emb: Tensor?) throws -> Tensor {
        let h = try inConvolution(inNorm.activated(x))
        let parts = try modulation.flatMap { modulation in
            try emb.map { try modulation($0).to(h.dtype).unsqueeze(-1).unsqueeze(-1).chunk(2, dim: 1) }
        }
        return try x + outConvolution(outNorm.activated(h, scale: parts?[0], shift: parts?[1]))
    }
}
