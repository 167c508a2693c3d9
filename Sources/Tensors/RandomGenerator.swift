internal import CTorch

/// A source of random numbers: PyTorch's own generator, so that equal seeds give PyTorch's numbers.
///
/// On the CPU, `Tensor.randn(shape, generator: RandomGenerator(seed: s))` equals
/// `torch.randn(shape, generator=torch.Generator().manual_seed(s))`.
public final class RandomGenerator {
    let pointer: OpaquePointer
    public let device: Device

    public init(seed: UInt64, device: Device = .cpu) throws {
        var error: UnsafeMutablePointer<ct_error>?
        guard let pointer = ct_generator_new(seed, device.c, &error) else {
            throw TensorError(consuming: error, operation: "generator", operands: [])
        }
        self.pointer = pointer
        self.device = device
    }

    deinit {
        ct_generator_free(pointer)
    }

    /// The whole state as a uint8 tensor; with `setState(_:)`, a generator goes on from there.
    public func state() throws -> Tensor {
        try withExtendedLifetime(self) { try make("generator state") { ct_generator_state(pointer, $0) } }
    }

    public func setState(_ state: Tensor) throws {
        try withExtendedLifetime(self) {
            try perform("generator state", [state]) { ct_generator_set_state(pointer, state.pointer, $0) }
        }
    }
}

extension Tensor {
    /// Normally distributed numbers, mean 0 and deviation 1.
    public static func randn(_ shape: [Int], dtype: DType = .float32, generator: RandomGenerator) throws -> Tensor {
        try withExtendedLifetime(generator) {
            try make("randn") {
                ct_randn(shape, Int32(shape.count), dtype.c, generator.device.c, generator.pointer, $0)
            }
        }
    }

    /// Uniform numbers in [0, 1).
    public static func rand(_ shape: [Int], dtype: DType = .float32, generator: RandomGenerator) throws -> Tensor {
        try withExtendedLifetime(generator) {
            try make("rand") { ct_rand(shape, Int32(shape.count), dtype.c, generator.device.c, generator.pointer, $0) }
        }
    }

    /// Uniform integers of a range, int64.
    public static func randint(_ range: Range<Int>, _ shape: [Int], generator: RandomGenerator) throws -> Tensor {
        try withExtendedLifetime(generator) {
            try make("randint") {
                ct_randint(
                    range.lowerBound, range.upperBound, shape, Int32(shape.count), generator.device.c,
                    generator.pointer, $0)
            }
        }
    }

    /// A random order of 0..<n, int64.
    public static func randperm(_ n: Int, generator: RandomGenerator) throws -> Tensor {
        try withExtendedLifetime(generator) {
            try make("randperm") { ct_randperm(n, generator.device.c, generator.pointer, $0) }
        }
    }
}
