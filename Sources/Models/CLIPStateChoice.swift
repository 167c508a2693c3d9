public import Tensors

/// Which of a CLIP text tower's states a U-Net attends to.
public enum CLIPStateChoice: Hashable, Sendable, Codable {
    /// After all layers but the last `skip`, normalised: Stable Diffusion 1 and 2, with 0 skipped. The web UIs' "clip
    /// skip" of n is n − 1 here; diffusers' is the same number.
    case normalised(skip: Int)
    /// The same, not normalised: XL, with 1 skipped.
    case plain(skip: Int)

    /// What Stable Diffusion 1 attends to, and 2, whose tower lacks its last layer.
    public static let last = CLIPStateChoice.normalised(skip: 0)
    /// What XL attends to.
    public static let penultimate = CLIPStateChoice.plain(skip: 1)

    /// With `count` layers fewer, as diffusers' `clip_skip` has it.
    public func skipping(_ count: Int) -> CLIPStateChoice {
        switch self {
        case .normalised(let skip): .normalised(skip: skip.addingReportingOverflow(count).partialValue)
        case .plain(let skip): .plain(skip: skip.addingReportingOverflow(count).partialValue)
        }
    }
}

extension CLIPTextTower {
    /// - Throws: `ConfigurationError` where more layers are skipped than there are.
    public func states(_ choice: CLIPStateChoice, of states: CLIPTextStates) throws -> Tensor {
        switch choice {
        case .normalised(let skip): try skip == 0 ? states.last : normalised(hidden(skip, states))
        case .plain(let skip): try hidden(skip, states)
        }
    }

    private func hidden(_ skip: Int, _ states: CLIPTextStates) throws -> Tensor {
        guard (0..<states.hidden.count).contains(skip) else {
            throw ConfigurationError(
                "skipping \(skip) layers of a text tower that has \(states.hidden.count - 1)")
        }
        return states.hidden[states.hidden.count - 1 - skip]
    }
}
