public import Tensors

/// Scales gradients down so that their norm over all parameters is at most `maximum` (Pascanu et al. 2013;
/// `torch.nn.utils.clip_grad_norm_`).
///
/// - Returns: the norm before. Not finite where a gradient is not: then nothing is scaled and the caller should skip the
///   step.
@discardableResult
public func clipGradients(of parameters: [(name: String, value: Tensor)], maximum: Double?) throws -> Double {
    try withoutGradients {
        let gradients = parameters.compactMap(\.value.gradient)
        let norm = try TensorLists.totalNorm(gradients).item()
        if let maximum, norm.isFinite, norm > maximum {
            try TensorLists.multiply(gradients, by: maximum / (norm + 1e-6))
        }
        return norm
    }
}
