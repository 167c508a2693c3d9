/// The type of a tensor's elements.
public enum DType: String, Sendable, Hashable, Codable, CaseIterable {
    case float32, float16, bfloat16, float64, int64, int32, int16, int8, uint8, bool

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .int64, .float64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// What a network is computed in that is asked to compute in this: with int8, only what is in whole numbers pays.
    package var computing: DType { self == .int8 ? .bfloat16 : self }

    /// Whether elements are real numbers; only such tensors can carry gradients.
    public var isFloatingPoint: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64: true
        case .int64, .int32, .int16, .int8, .uint8, .bool: false
        }
    }
}
