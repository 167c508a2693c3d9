/// Floating-point operations of a network: two for each multiplication in convolutions, linear layers and attention's
/// products, as PyTorch's FLOP counter has it; normalisations and activations are not counted.
extension GLIDEConfiguration {
    /// Of one picture and its text through the whole network.
    ///
    /// - Parameters:
    ///   - height: of the picture, in pixels.
    ///   - text: whether the text transformer runs, too.
    public func operations(height: Int, width: Int, text includesText: Bool = true) -> Double {
        unet.operations(height: height, width: width, tokens: text.context)
            + (includesText ? text.operations(embeddingWidth: unet.embeddingWidth) : 0)
    }
}

extension TextTransformerConfiguration {
    /// Of one text of `context` tokens.
    func operations(embeddingWidth: Int) -> Double {
        let (length, width) = (Double(context), Double(width))
        let block = 2 * length * (3 + 1 + 4 + 4) * width * width + 4 * length * length * width
        return Double(layers) * block + 2 * width * Double(embeddingWidth)
    }
}

extension UNetConfiguration {
    /// Of one picture.
    ///
    /// - Parameters:
    ///   - height: of what the network sees: of the latents, where it works on them.
    ///   - tokens: of the text.
    package func operations(height: Int, width: Int, tokens: Int) -> Double {
        let embedding = Double(embeddingWidth)
        let fold = patchSize * patchSize
        func area(_ level: Int) -> Double {
            // An odd side is rounded up.
            func side(_ length: Int) -> Double { Double(((length / patchSize - 1) >> level) + 1) }
            return side(height) * side(width)
        }
        func convolution(_ input: Int, _ output: Int, _ level: Int, kernel: Int = 3) -> Double {
            2 * area(level) * Double(input) * Double(output) * Double(kernel * kernel)
        }
        // `level` is where the convolutions work: behind the change of size.
        func residual(_ input: Int, _ output: Int, _ level: Int) -> Double {
            convolution(input, output, level) + convolution(output, output, level)
                + 2 * embedding * Double(scaleShiftNorm ? 2 * output : output)
                + (input == output ? 0 : convolution(input, output, level, kernel: 1))
        }
        func jointAttention(_ channels: Int, _ level: Int, textWidth: Int) -> Double {
            let (pixels, channels) = (area(level), Double(channels))
            let keys = pixels + (textWidth > 0 ? Double(tokens) : 0)
            return 2 * pixels * 4 * channels * channels + 2 * Double(tokens) * Double(textWidth) * 2 * channels
                + 4 * pixels * keys * channels
        }
        func spatialTransformer(_ channels: Int, _ level: Int, textWidth: Int, depth: Int) -> Double {
            let (pixels, channels, tokens) = (area(level), Double(channels), Double(tokens))
            let matrix = 2 * pixels * channels * channels
            let own = 4 * matrix + 4 * pixels * pixels * channels
            let text = 2 * matrix + 2 * tokens * Double(textWidth) * 2 * channels + 4 * pixels * tokens * channels
            let perceptron = (8 + 4) * matrix
            return 2 * matrix + Double(depth) * (own + text + perceptron)
        }
        func attention(_ channels: Int, _ level: Int, depth: Int?) -> Double {
            switch text {
            case .none: jointAttention(channels, level, textWidth: 0)
            case .joint(let width): jointAttention(channels, level, textWidth: width)
            case .cross(let width, _): spatialTransformer(channels, level, textWidth: width, depth: depth ?? 1)
            }
        }
        func resampling(_ channels: Int, _ level: Int) -> Double {
            residualResampling ? residual(channels, channels, level) : convolution(channels, channels, level)
        }

        var channels = levels.first?.channels ?? 0
        let first = channels
        var kept = [channels]
        var total = 2 * (Double(modelChannels) * embedding + embedding * embedding)
        if let addedWidth { total += 2 * (Double(addedWidth) * embedding + embedding * embedding) }
        total += convolution(inputChannels * fold, channels, 0)
        for (index, level) in levels.enumerated() {
            for _ in 0..<level.residualBlocks {
                total += residual(channels, level.channels, index)
                channels = level.channels
                if level.attention { total += attention(channels, index, depth: level.transformerDepth) }
                kept.append(channels)
            }
            if index < levels.count - 1 {
                total += resampling(channels, index + 1)
                kept.append(channels)
            }
        }
        let bottom = max(levels.count - 1, 0)
        total += 2 * residual(channels, channels, bottom) + attention(channels, bottom, depth: middleDepth)
        for (index, level) in levels.enumerated().reversed() {
            for block in 0...level.residualBlocks {
                total += residual(channels + (kept.popLast() ?? 0), level.channels, index)
                channels = level.channels
                if level.attention { total += attention(channels, index, depth: level.transformerDepth) }
                if index > 0, block == level.residualBlocks { total += resampling(channels, index - 1) }
            }
        }
        if let pixelChannels {
            let taps = inputChannels + outputChannels + pixelChannels + outputChannels
            total += 2 * Double(height * width * 9 * pixelChannels * taps) + 2 * embedding * Double(2 * pixelChannels)
        }
        return total + convolution(first, outputChannels * fold, 0)
    }
}
