public import Tensors

/// Which conditioning a network should answer for.
public enum Branch: Sendable, Hashable {
    /// The prompt.
    case conditional
    /// The empty prompt, or the negative one.
    case unconditional
    /// Both in one call: the first half of the batch is conditional, the second unconditional.
    case both
}

/// What a network is asked.
public struct Query {
    /// The noisy pictures x_t, [N, C, …], of unit deviation where nothing but noise is left; for `Branch.both`
    /// [2N, C, …], the same pictures twice.
    public let x: Tensor
    /// How noisy they all are.
    public let level: NoiseLevel
    public let branch: Branch

    public init(x: Tensor, level: NoiseLevel, branch: Branch = .conditional) {
        self.x = x
        self.level = level
        self.branch = branch
    }

    /// The level's original step number for each picture: [rows of x], float32, on the pictures' device.
    public func timesteps() throws -> Tensor {
        try .full([try x.size(0)], level.timestep, dtype: .float32, device: x.device)
    }
}

/// A network: answers a query with its prediction, [rows of x, C, …], or, where it also learned the variance,
/// [rows of x, 2C, …].
///
/// The closure holds the conditioning. It may compute in another dtype; the answer is brought to that of `x`.
public typealias Network = (Query) throws -> Tensor

/// Changes a network's answers by asking it more than once: classifier-free guidance and its relatives. Samplers don't
/// know of it.
public protocol Guidance: Sendable {
    /// The network that a sampler asks instead.
    func guide(_ network: @escaping Network) -> Network
}
