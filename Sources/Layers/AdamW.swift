public import Tensors

/// AdamW (Loshchilov & Hutter 2019) by libtorch's fused kernel.
///
/// Moments are float32, one pair a parameter, and belong to a run's checkpoint: `state()` and `restore(_:)`.
public final class AdamW {
    public struct Options: Codable, Sendable, Equatable {
        public var beta1 = 0.9
        public var beta2 = 0.999
        public var epsilon = 1e-8
        public var weightDecay = 0.01

        public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    public let options: Options
    private let parameters: [(name: String, value: Tensor)]
    private let first: [Tensor]
    private let second: [Tensor]
    private let steps: [Tensor]
    private let isDecayed: [Bool]

    /// - Parameters:
    ///   - parameters: float32 leaves; those without a gradient at a step stay as they are.
    ///   - decays: which of them `weightDecay` shrinks.
    public init(
        _ parameters: [(name: String, value: Tensor)], options: Options = Options(),
        decays: (Tensor) -> Bool = { _ in true }
    ) throws {
        self.options = options
        self.parameters = parameters
        first = try parameters.map { try .zeros($0.value.shape, device: $0.value.device) }
        second = try parameters.map { try .zeros($0.value.shape, device: $0.value.device) }
        steps = try parameters.map { try .zeros([], device: $0.value.device) }
        isDecayed = parameters.map { decays($0.value) }
    }

    /// One step with the parameters' gradients.
    public func step(rate: Double) throws {
        try withoutGradients {
            var chosen: [(index: Int, gradient: Tensor)] = []
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = parameter.value.gradient else { continue }
                chosen.append((index: index, gradient: gradient))
            }
            for (index, _) in chosen { try steps[index].addInPlace(.ones([], device: steps[index].device)) }
            try step(chosen.filter { isDecayed[$0.index] }, rate: rate, decay: options.weightDecay)
            try step(chosen.filter { !isDecayed[$0.index] }, rate: rate, decay: 0)
        }
    }

    private func step(_ chosen: [(index: Int, gradient: Tensor)], rate: Double, decay: Double) throws {
        if chosen.isEmpty { return }
        let indices = chosen.map { $0.index }
        try TensorLists.adamW(
            parameters: indices.map { parameters[$0].value }, gradients: chosen.map { $0.gradient },
            first: indices.map { first[$0] }, second: indices.map { second[$0] }, steps: indices.map { steps[$0] },
            rate: rate, betas: (options.beta1, options.beta2), decay: decay, epsilon: options.epsilon)
    }

    public func clearGradients() {
        for parameter in parameters { parameter.value.clearGradient() }
    }

    /// Moments and step counts, named `exp_avg.NAME`, `exp_avg_sq.NAME`, `step.NAME`: the tensors themselves, not copies.
    public func state() -> [(name: String, value: Tensor)] {
        parameters.indices.flatMap { index in
            let name = parameters[index].name
            return [("exp_avg." + name, first[index]), ("exp_avg_sq." + name, second[index]), ("step." + name, steps[index])]
        }
    }

    /// - Throws: `WeightError` naming every tensor that is missing or of another shape.
    public func restore(_ source: any TensorSource) throws {
        try copy(from: source, into: state())
    }
}

/// Copies tensors of equal names and shapes into parameters; all mistakes are reported at once.
public func copy(from source: any TensorSource, into parameters: [(name: String, value: Tensor)]) throws {
    let mistakes: [WeightError.Mistake] = parameters.compactMap { name, value in
        guard let found = source.shape(of: name) else { return .missing(name, value.shape) }
        return found == value.shape ? nil : .misshaped(name, expected: value.shape, found: found)
    }
    guard mistakes.isEmpty else { throw WeightError(source: source.sourceName, mistakes: mistakes) }
    try withoutGradients {
        for (name, value) in parameters { try value.copyInPlace(source.tensor(name)) }
    }
}
