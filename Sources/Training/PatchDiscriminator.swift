package import Layers
package import Tensors

/// Tells patches of true pictures from patches of made ones (Isola et al. 2017, §3.2.2; taming-transformers'
/// `NLayerDiscriminator`), under its keys: `main.0.weight`.
///
/// Where the original normalises over a batch, this one does over groups of channels: so a picture's verdict depends on no
/// other picture, nor on how a batch is cut into parts.
package struct PatchDiscriminator {
    private let first: Convolution2D
    private let middle: [(convolution: Convolution2D, norm: GroupNorm)]
    private let last: Convolution2D

    /// - Parameters:
    ///   - channels: of the first layer; each next one has twice as many, up to eight times.
    ///   - layers: how often the side is halved.
    package init(_ weights: Weights, channels: Int, layers: Int, normGroups: Int) throws {
        let drawn = Initial.normal(deviation: 0.02)
        func layer(_ place: Int, in input: Int, out: Int, stride: Int, bias: Bool) throws -> Convolution2D {
            try Convolution2D(
                weights / "main" / place, in: input, out: out, kernel: 4, stride: stride, padding: 1, bias: bias,
                initial: drawn)
        }
        first = try layer(0, in: 3, out: channels, stride: 2, bias: true)
        var middle: [(convolution: Convolution2D, norm: GroupNorm)] = []
        var (place, width) = (2, channels)
        for index in 1...max(1, layers) {
            let next = channels * min(1 << index, 8)
            let convolution = try layer(place, in: width, out: next, stride: index < layers ? 2 : 1, bias: false)
            middle.append((
                convolution, try GroupNorm(weights / "main" / (place + 1), channels: next, groups: normGroups)
            ))
            (place, width) = (place + 3, next)
        }
        self.middle = middle
        last = try layer(place, in: width, out: 1, stride: 1, bias: true)
    }

    /// How many patches a side: [N, 3, side, side] → [N, 1, patches, patches]; none where it is 0 or less.
    package static func side(of side: Int, layers: Int) -> Int { (side >> layers) - 2 }

    /// [N, 3, H, W] in −1…1 → [N, 1, h, w]: above 0 for a true picture's patch.
    package func callAsFunction(_ pictures: Tensor) throws -> Tensor {
        var h = try leaky(first(pictures))
        for (convolution, norm) in middle { h = try leaky(norm(convolution(h))) }
        return try last(h).to(.float32)
    }

    /// A fifth of what is below 0.
    private func leaky(_ x: Tensor) throws -> Tensor { try .maximum(x, x * 0.2) }
}
