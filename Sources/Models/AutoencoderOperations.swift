extension AutoencoderConfiguration {
    /// Floating-point operations of decoding one picture in one piece, counted as a U-Net's are.
    ///
    /// - Parameter height: of the latents, in their pixels.
    package func decodingOperations(height: Int, width: Int) -> Double {
        let bottom = levels.count - 1
        func area(_ level: Int) -> Double {
            let side = Double(1 << max(0, bottom - level))
            return Double(height) * side * Double(width) * side
        }
        func convolution(_ input: Int, _ output: Int, _ level: Int, kernel: Int = 3) -> Double {
            2 * area(level) * Double(input) * Double(output) * Double(kernel * kernel)
        }
        func residual(_ input: Int, _ output: Int, _ level: Int) -> Double {
            convolution(input, output, level) + convolution(output, output, level)
                + (input == output ? 0 : convolution(input, output, level, kernel: 1))
        }
        func attention(_ channels: Int, _ level: Int) -> Double {
            4 * convolution(channels, channels, level, kernel: 1) + 4 * area(level) * area(level) * Double(channels)
        }

        var channels = levels.last?.channels ?? self.channels
        var total = convolution(zChannels, channels, bottom) + 2 * residual(channels, channels, bottom)
        // Each pixel is compared with all codes.
        if case .vectorQuantised(let codes) = kind { total += convolution(latentChannels, codes, bottom, kernel: 1) }
        if postQuantConvolution { total += convolution(latentChannels, zChannels, bottom, kernel: 1) }
        if middleAttention { total += attention(channels, bottom) }
        for (index, level) in levels.enumerated().reversed() {
            for _ in 0...max(0, residualBlocks) {
                total += residual(channels, level.channels, index)
                channels = level.channels
                if level.attention { total += attention(channels, index) }
            }
            if index > 0 { total += convolution(channels, channels, index - 1) }
        }
        return total + convolution(channels, outputChannels, 0)
    }
}
