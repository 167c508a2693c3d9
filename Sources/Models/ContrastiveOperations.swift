extension ContrastiveConfiguration {
    /// Floating-point operations of the picture tower for one picture, counted as a U-Net's are.
    public var pictureOperations: Double {
        func transformer(length: Int, width: Int, layers: Int) -> Double {
            let (length, width) = (Double(length), Double(width))
            return Double(layers) * (2 * length * 12 * width * width + 4 * length * length * width)
        }
        let embedding = Double(embedding)
        switch picture {
        case .transformer(let patch, let width, let layers, _):
            let places = (side / patch) * (side / patch)
            return 2 * Double(places * 3 * patch * patch) * Double(width)
                + transformer(length: places + 1, width: width, layers: layers) + 2 * Double(width) * embedding
        case .convolutional(let widths, let blocks, let layers, _):
            guard let first = widths.first, let last = widths.last else { return 0 }
            func convolution(_ input: Int, _ output: Int, side: Int) -> Double {
                2 * Double(side * side) * 9 * Double(input) * Double(output)
            }
            var total = convolution(3, first / 2, side: side / 2) + convolution(first / 2, first, side: side / 4)
            for (index, width) in widths.enumerated() {
                let grid = (side / 4) >> index
                if index > 0 { total += convolution(widths[index - 1], width, side: grid) }
                total += Double(2 * blocks) * convolution(width, width, side: grid)
                if timesteps != nil { total += Double(blocks) * 2 * Double(4 * first) * Double(2 * width) }
            }
            if timesteps != nil { total += 2 * Double(64 * 4 * first + 16 * first * first) }
            let grid = side / sizeMultiple
            return total + transformer(length: grid * grid, width: last, layers: layers) + 2 * Double(last) * embedding
        }
    }

    /// The same of the text tower, for one text.
    /// - Parameter tokens: in the text.
    public func textOperations(tokens: Int) -> Double {
        let (length, width) = (Double(tokens + 1), Double(text.width))
        return Double(text.layers) * (2 * length * 12 * width * width + 4 * length * length * width)
            + 2 * width * Double(embedding)
    }
}
