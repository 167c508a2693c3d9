public import Tensors

extension TrainingConfiguration {
    /// What matrix products and convolutions are computed in; weights, averages and moments are float32.
    public enum Precision: String, Codable, Sendable, CaseIterable {
        /// bfloat16 where the device has instructions for it, else float32. A run settles it where it begins, so that its
        /// folder says which.
        case auto
        case float32, bfloat16

        public func on(_ device: Device) -> DType {
            switch self {
            case .auto: device == .mps || device.emulates(.bfloat16) ? .float32 : .bfloat16
            case .float32: .float32
            case .bfloat16: .bfloat16
            }
        }

        /// What it comes to there.
        func settled(on device: Device) -> Precision { on(device) == .float32 ? .float32 : .bfloat16 }
    }
}
