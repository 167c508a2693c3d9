package import Layers
package import Models
package import Tensors

/// A network's weights as those of one that sees more beside the noisy picture: the convolutions that see the picture have
/// weights for the new channels, all zero, so that it begins by seeing nothing of them (Nichol et al. 2022, §4.1).
package struct WidenedSource: TensorSource {
    private let source: any TensorSource
    /// Of each convolution's weight, the channels in by their place in the narrow one; nil for a new one.
    private let channels: [String: [Int?]]

    /// - Returns: nil where the one network's input is no part of the other's.
    package init?(_ source: any TensorSource, from narrow: GLIDEInput, to wide: GLIDEInput, patchSize: Int) {
        let fold = patchSize * patchSize
        // Folding keeps a channel's numbers together.
        func folded(_ channels: [Int?]) -> [Int?] {
            channels.flatMap { channel in (0..<fold).map { place in channel.map { $0 * fold + place } } }
        }
        let (x, new) = ([0, 1, 2] as [Int?], nil as Int?)
        let seen: [Int?]
        switch (narrow, wide) {
        case (.text, .masked), (.text, .lowResolution): seen = x + Array(repeating: new, count: wide.channels - 3)
        case (.text, .maskedLowResolution): seen = x + Array(repeating: new, count: 7)
        case (.lowResolution, .maskedLowResolution): seen = x + Array(repeating: new, count: 4) + [3, 4, 5]
        case (.masked, .maskedLowResolution): seen = x + [3, 4, 5, 6] + Array(repeating: new, count: 3)
        default: return nil
        }
        // GLIDE's name for the first convolution; `PixelRefinement` sees the network's answer, then the input.
        let answered = (source.shape(of: "pixels.conv_in.weight")?.dropFirst().first ?? narrow.channels) - narrow.channels
        channels = [
            "input_blocks.0.0.weight": folded(seen),
            "pixels.conv_in.weight": (0..<answered).map { $0 } + seen.map { channel in channel.map { $0 + answered } },
        ]
        self.source = source
    }

    package var sourceName: String { source.sourceName }
    package var tensorNames: [String] { source.tensorNames }

    package func shape(of name: String) -> [Int]? {
        guard let channels = channels[name], var shape = source.shape(of: name), shape.count == 4 else {
            return source.shape(of: name)
        }
        shape[1] = channels.count
        return shape
    }

    package func tensor(_ name: String) throws -> Tensor {
        let tensor = try source.tensor(name)
        guard let channels = channels[name], tensor.rank == 4 else { return tensor }
        let empty = try tensor.narrow(1, start: 0, length: 1) * 0
        return try .concatenate(
            channels.map { channel in
                guard let channel, channel < tensor.shape[1] else { return empty }
                return try tensor.narrow(1, start: channel, length: 1)
            }, dim: 1)
    }
}
