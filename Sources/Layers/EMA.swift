public import Tensors

/// An exponential moving average of parameters: `average ← decay · average + (1 − decay) · value`.
///
/// Early on, the decay is `min(decay, (1 + step) / (10 + step))`, so that the average does not cling to the first,
/// untrained values.
public final class EMA {
    public let decay: Double
    public let averages: [(name: String, value: Tensor)]
    private let values: [Tensor]

    public init(_ parameters: [(name: String, value: Tensor)], decay: Double) throws {
        self.decay = decay
        values = parameters.map(\.value)
        averages = try parameters.map { ($0.name, try $0.value.detach().clone()) }
    }

    /// - Parameter step: how many updates came before.
    public func update(step: Int) throws {
        let decay = Swift.min(decay, (1 + Double(step)) / (10 + Double(step)))
        try withoutGradients { try TensorLists.lerp(averages.map(\.value), to: values, weight: 1 - decay) }
    }
}
