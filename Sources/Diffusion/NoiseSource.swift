public import Tensors

/// Where a chain's noise comes from.
public struct NoiseSource {
    private let draw: ([Int], DType, Device) throws -> Tensor

    /// - Parameter draw: standard normal numbers of a shape [N, …].
    public init(_ draw: @escaping (_ shape: [Int], _ dtype: DType, _ device: Device) throws -> Tensor) {
        self.draw = draw
    }

    /// One generator an image, each on the CPU, so that an image depends neither on its batch nor on the device.
    public static func perImage(_ generators: [RandomGenerator]) -> NoiseSource {
        NoiseSource { shape, dtype, device in
            guard shape.first == generators.count else {
                throw DiffusionError.shape(
                    what: "noise for \(generators.count) images", expected: [generators.count] + shape.dropFirst(),
                    actual: shape)
            }
            let one = [1] + shape.dropFirst()
            let rows = try generators.map { try Tensor.randn(one, dtype: drawn(dtype), generator: $0) }
            return try .concatenate(rows).to(dtype).to(device: device)
        }
    }

    /// One generator an image, with seeds `seed`, `seed + 1` …
    public static func seeded(_ seed: UInt64, count: Int) throws -> NoiseSource {
        .perImage(try (0..<UInt64(max(count, 0))).map { try RandomGenerator(seed: seed &+ $0) })
    }

    /// One generator for the whole batch, as in the reference implementations.
    ///
    /// - Parameter copies: draws for that many batches and keeps the first. GLIDE's guided sampling carries conditional
    ///   and unconditional pictures along and draws for both: 2 gives its numbers.
    public static func batch(_ generator: RandomGenerator, copies: Int = 1) -> NoiseSource {
        NoiseSource { shape, dtype, device in
            guard let count = shape.first, copies > 0 else {
                throw DiffusionError.setting(name: "copies", value: "\(copies)", expected: "at least 1, of a batch")
            }
            let all = try Tensor.randn([count * copies] + shape.dropFirst(), dtype: drawn(dtype), generator: generator)
            return try all.rows(0..<count).to(dtype).to(device: device)
        }
    }

    public func callAsFunction(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        let noise = try draw(shape, dtype, device)
        guard noise.shape == shape else {
            throw DiffusionError.shape(what: "the noise", expected: shape, actual: noise.shape)
        }
        return noise
    }

    public func callAsFunction(like x: Tensor) throws -> Tensor {
        try self(x.shape, dtype: x.dtype, device: x.device)
    }
}

/// Half-precision noise is drawn in float32, whose numbers it then shares.
private func drawn(_ dtype: DType) -> DType { dtype == .float64 ? .float64 : .float32 }
