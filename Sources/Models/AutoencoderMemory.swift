public import Tensors

// Follows the order of operations in `AutoencoderPart`. The f8 autoencoder's process grew by 1.00 of this at 384×384 and
// 512×512 in float32 (diffusers' by 1.3), by 0.96 at 256×256 in bfloat16 on a processor without that type; 30 to 40 MiB
// of libtorch's own come on top, which small pictures feel.

extension AutoencoderConfiguration {
    /// About how many bytes decoding one picture takes at its peak, weights and the picture itself aside.
    ///
    /// - Parameters:
    ///   - height: of the latents, in their pixels.
    ///   - dtype: to compute in.
    public func decodingBytes(height: Int, width: Int, dtype: DType = .float32, device: Device = .cpu) -> Int {
        // Only some processors convolve in the narrow types; on the others libtorch unfolds what goes in, nine-fold.
        let unfolded = device == .cpu && dtype != .float32 ? 9 : 0
        var peak = 0.0
        // Channels held at once, at a level's size.
        func see(_ channels: Int, _ level: Int) {
            let side = Double(1 << max(0, levels.count - 1 - level))
            peak = max(peak, Double(channels) * Double(max(0, height)) * side * Double(max(0, width)) * side)
        }
        // The block's input lives on beside what each operation takes and gives.
        func residual(_ input: Int, _ output: Int, _ level: Int) {
            see(max(3 * input, (2 + unfolded) * input + output), level)
            see(max(input + (2 + unfolded) * output, input + 2 * output + max(input, output)), level)
        }
        func attention(_ channels: Int, _ level: Int) { see(6 * channels, level) }

        let bottom = levels.count - 1
        var channels = levels.last?.channels ?? self.channels
        residual(channels, channels, bottom)
        if middleAttention { attention(channels, bottom) }
        for (index, level) in levels.enumerated().reversed() {
            for _ in 0...min(max(0, residualBlocks), 1) {
                residual(channels, level.channels, index)
                channels = level.channels
                if level.attention { attention(channels, index) }
            }
            // The enlarged picture and the convolution's, beside a quarter.
            if index > 0 { see(channels * (9 + 4 * unfolded) / 4, index - 1) }
        }
        return Int(min(peak * Double(dtype.byteCount), 0x1p62))
    }

    /// The tiles that diffusers would cut: as large as the pictures it was trained on.
    public var tiling: Tiling {
        guard let sampleSize else { return Tiling() }
        return Tiling(side: max(2, sampleSize / factor))
    }

    /// How to decode within so many bytes: nil where a picture fits in one piece, else the largest tiles that do, though
    /// never smaller than 16 latent pixels a side.
    ///
    /// - Parameters:
    ///   - height: of the latents, in their pixels.
    ///   - dtype: to compute in.
    public func tiling(
        fitting bytes: Int, height: Int, width: Int, dtype: DType = .float32, device: Device = .cpu
    ) -> Tiling? {
        func fits(_ height: Int, _ width: Int) -> Bool {
            decodingBytes(height: height, width: width, dtype: dtype, device: device) <= bytes
        }
        if fits(height, width) { return nil }
        var tiling = tiling
        while tiling.side > 16, tiling.side >= max(height, width) || !fits(tiling.side, tiling.side) {
            tiling.side = max(16, tiling.side / 2)
        }
        return tiling
    }
}
