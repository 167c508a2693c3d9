/// The samplers by the names that users type.
public enum SamplerName: String, Sendable, Hashable, Codable, CaseIterable {
    case ddpm
    case ddim
    case pndm
    case euler
    case eulerAncestral = "euler-a"
    case heun
    case dpmSolver2M = "dpm++2m"
    case dpmSolver2MSDE = "dpm++2m-sde"
    case dpmSolverSDE = "dpm++sde"
    case unipc
    case lcm

    /// - Throws: `DiffusionError.unknown`, with the names there are.
    public init(parsing name: String) throws {
        guard let known = Self(rawValue: name.lowercased()) else {
            throw DiffusionError.unknown(what: "sampler", name: name, known: Self.allCases.map(\.rawValue))
        }
        self = known
    }

    /// The sampler with its paper's settings.
    public var sampler: any Sampler {
        switch self {
        case .ddpm: DDPM()
        case .ddim: DDIM()
        case .pndm: PNDM()
        case .euler: Euler()
        case .eulerAncestral: EulerAncestral()
        case .heun: Heun()
        case .dpmSolver2M: DPMSolver2M()
        case .dpmSolver2MSDE: DPMSolver2MSDE()
        case .dpmSolverSDE: DPMSolverSDE()
        case .unipc: UniPC()
        case .lcm: LCM()
        }
    }

    /// The steps it takes where the user does not say: OpenAI's even respacing for those that come from discrete
    /// chains, k-diffusion's for the others.
    ///
    /// OpenAI's ends with step 0, where a consistency model's answer counts for nothing, and a chain of one step would
    /// begin there: both go from the noisiest step on instead.
    public func spacing(steps: Int) -> Spacing {
        guard sampler.scaling == .preserving else { return .interpolated(steps) }
        return self == .lcm || steps == 1 ? .trailing(steps) : .respaced(.sections([steps]))
    }
}
