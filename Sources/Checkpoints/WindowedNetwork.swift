internal import Diffusion
package import Models
package import Tensors

/// How a network sees a picture larger than those it was trained on: through overlapping windows, whose predictions are
/// blended at every step, so that no seam is left (MultiDiffusion, Bar-Tal et al. 2023, equation 5).
package struct Windows {
    /// Of a window, in pixels.
    package let side: Int
    /// Windows begin at multiples of this, but for the last, which ends where the picture does.
    package let grid: Int

    package init(side: Int, grid: Int) {
        self.side = side
        self.grid = grid
    }

    /// Neighbours share a quarter of their sides at least.
    package func starts(_ length: Int) -> [Int] {
        guard length > side else { return [0] }
        let count = max(2, (length - side + side * 3 / 4 - 1) / (side * 3 / 4) + 1)
        let inner = (0..<count - 1).map { index in
            let exact = Double(index) * Double(length - side) / Double(count - 1)
            return min(length - side, Int((exact / Double(grid)).rounded()) * grid)
        }
        return inner + [length - side]
    }

    /// - Parameters:
    ///   - x: [N, C, H, W].
    ///   - body: of where a window begins, and what is seen in it: [N, C′, h, w].
    /// - Returns: [N, C′, H, W].
    package func blended(_ x: Tensor, _ body: (_ top: Int, _ left: Int, Tensor) throws -> Tensor) throws -> Tensor {
        let (height, width) = (x.shape[2], x.shape[3])
        let (rows, columns) = (starts(height), starts(width))
        if rows.count == 1, columns.count == 1 { return try body(0, 0, x) }
        let (tall, wide) = (min(side, height), min(side, width))
        let weight = try profile(tall).reshape([1, 1, tall, 1]).matmul(profile(wide).reshape([1, 1, 1, wide]))
            .to(device: x.device)
        var sum: Tensor?
        var total: Tensor?
        for top in rows {
            for left in columns {
                let seen = try x.narrow(2, start: top, length: tall).narrow(3, start: left, length: wide)
                let answer = try body(top, left, seen)
                let around = [
                    (before: left, after: width - left - wide), (before: top, after: height - top - tall),
                ]
                let weighted = try (answer.to(.float32) * weight).pad(around)
                let share = try weight.pad(around)
                sum = try sum.map { try $0 + weighted } ?? weighted
                total = try total.map { try $0 + share } ?? share
            }
        }
        guard let sum, let total else { return try body(0, 0, x) }
        return try (sum / total).to(x.dtype)
    }

    /// Rising to the middle, nowhere 0.
    private func profile(_ length: Int) throws -> Tensor {
        let weights = (0..<length).map { place in Float(min(place + 1, length - place)) / Float((length + 1) / 2) }
        return try Tensor(weights, shape: [length])
    }
}

extension GLIDE.Conditions {
    /// What is seen of pictures through a window of [h, w] at [top, left] of [H, W].
    package func window(top: Int, left: Int, of size: (height: Int, width: Int), seeing seen: (height: Int, width: Int)) throws
        -> GLIDE.Conditions
    {
        try map { picture in
            let (height, width) = (picture.shape[2], picture.shape[3])
            return try picture.narrow(2, start: top * height / size.height, length: seen.height * height / size.height)
                .narrow(3, start: left * width / size.width, length: seen.width * width / size.width)
        }
    }
}
