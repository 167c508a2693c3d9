public import Tensors

extension TrainingConfiguration {
    /// What matrix products and convolutions are computed in; weights, averages and moments are float32.
    public enum Precision: String, Codable, Sendable, CaseIterable {
        /// bfloat16 where the device is fast in it (`Device.hasFastBFloat16`), else float32. A run settles it where it begins,
        /// so that its folder says which.
        case auto
        case float32, bfloat16

        /// - Throws: `DecodingError` that says what is possible.
        public init(from decoder: any Decoder) throws {
            let name = try decoder.singleValueContainer().decode(String.self)
            guard let found = Precision(rawValue: name) else {
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath,
                        debugDescription: "\(name) cannot be trained in; "
                            + Self.allCases.map(\.rawValue).joined(separator: ", ")))
            }
            self = found
        }

        public func on(_ device: Device) -> DType {
            switch self {
            case .auto: device.hasFastBFloat16 ? .bfloat16 : .float32
            case .float32: .float32
            case .bfloat16: .bfloat16
            }
        }

        /// What it comes to there.
        func settled(on device: Device) -> Precision { on(device) == .float32 ? .float32 : .bfloat16 }
    }
}
