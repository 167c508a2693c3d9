public import Diffusion
internal import Models

extension DiffusersScheduler {
    /// The sampler that the configuration itself names.
    ///
    /// - Throws: `ConfigurationError` naming the key that asks for what is not honoured here; other samplers will do.
    public func ownSampler() throws -> SamplerName {
        switch kind {
        case .ddpm: return .ddpm
        case .ddim: return .ddim
        case .pndm:
            guard skipsRungeKutta == true else {
                throw ConfigurationError(
                    "PNDMScheduler with skip_prk_steps false; its Runge–Kutta steps are not known here: ask for pndm "
                        + "(without them) or another sampler")
            }
            return .pndm
        case .euler: return .euler
        case .eulerAncestral: return .eulerAncestral
        case .heun: return .heun
        case .dpmSolverSDE: return .dpmSolverSDE
        case .dpmSolver:
            switch algorithm ?? .dpmSolverPlusPlus {
            case .dpmSolverPlusPlus, .deis: return .dpmSolver2M
            case .sdeDPMSolverPlusPlus: return .dpmSolver2MSDE
            case .dpmSolver, .sdeDPMSolver:
                throw ConfigurationError(
                    "DPMSolverMultistepScheduler with algorithm_type \(algorithm?.rawValue ?? ""), which is not known "
                        + "here: ask for dpm++2m or another sampler")
            }
        case .unipc: return .unipc
        case .lcm: return .lcm
        }
    }

    /// How a model with this configuration is sampled unless a request says otherwise.
    ///
    /// - Parameter steps: nil is diffusers' 50, or 4 for a consistency model.
    public func samplingDefaults(steps: Int? = nil, guidanceScale: Double) throws -> SamplingDefaults {
        SamplingDefaults(
            sampler: try ownSampler(), steps: steps ?? (kind == .lcm ? 4 : 50), guidanceScale: guidanceScale)
    }

    /// Sampler, levels and all as the diffusers class of that name builds them with `from_config` from this
    /// configuration.
    ///
    /// - Parameters:
    ///   - steps: diffusers' `num_inference_steps`.
    ///   - schedule: "default", or a spacing's name that is to hold instead of the configuration's own.
    ///   - strength: for starting from a picture, as diffusers' `get_timesteps` has it; nil starts from noise.
    /// - Throws: `ConfigurationError` naming the key that cannot be honoured, or `DiffusionError`.
    public func plan(
        _ sampler: SamplerName, steps: Int, schedule: String = "default", strength: Double? = nil
    ) throws -> SamplingPlan {
        try SchedulerSettings(self, as: sampler.kind).plan(
            steps: steps, schedule: schedule, isStochastic: sampler == .dpmSolver2MSDE, strength: strength)
    }

    /// The configuration as diffusers' Stable Diffusion pipelines correct it when they load it: those of the first
    /// models were written before `steps_offset` and `clip_sample` were.
    public func correctedForStableDiffusion() -> DiffusersScheduler {
        var corrected = self
        corrected.stepsOffset = 1
        corrected.clipsSample = false
        return corrected
    }
}

extension SamplerName {
    /// The diffusers class that goes by this name.
    fileprivate var kind: SchedulerKind {
        switch self {
        case .ddpm: .ddpm
        case .ddim: .ddim
        case .pndm: .pndm
        case .euler: .euler
        case .eulerAncestral: .eulerAncestral
        case .heun: .heun
        case .dpmSolver2M, .dpmSolver2MSDE: .dpmSolver
        case .dpmSolverSDE: .dpmSolverSDE
        case .unipc: .unipc
        case .lcm: .lcm
        }
    }
}
