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

    /// How a model with this configuration is sampled unless a request says otherwise: by its own sampler, or by DDIM where
    /// that asks for what is not honoured here.
    ///
    /// - Parameter steps: nil is diffusers' 50, or 4 for a consistency model.
    public func samplingDefaults(steps: Int? = nil, guidanceScale: Double) -> SamplingDefaults {
        SamplingDefaults(
            sampler: choice.sampler, steps: steps ?? (kind == .lcm ? 4 : 50), guidanceScale: guidanceScale)
    }

    /// What draws by default instead of the class that the configuration names; nil where that is honoured.
    package var standIn: SamplerStandIn? {
        let (sampler, refusal) = choice
        guard let reason = refusal ?? (standsFor == nil ? nil : "that class is not known here") else { return nil }
        return SamplerStandIn(sampler: sampler, scheduler: standsFor ?? kind.rawValue, reason: reason)
    }

    /// The configuration's own sampler; else DDIM, and why.
    private var choice: (sampler: SamplerName, refusal: String?) {
        do {
            let own = try ownSampler()
            _ = try plan(own, steps: 1)
            return (own, nil)
        } catch { return (.ddim, "\(error)") }
    }

    /// The keys as the configuration's own class reads them, or as DDIM where that class asks for what is not honoured here.
    ///
    /// - Throws: `ConfigurationError` where neither could sample.
    func settings() throws -> SchedulerSettings {
        do { return try settings(as: kind) } catch {
            guard let other = try? settings(as: .ddim) else { throw error }
            return other
        }
    }

    private func settings(as kind: SchedulerKind) throws -> SchedulerSettings {
        let settings = try SchedulerSettings(self, as: kind)
        do { _ = try settings.plan(steps: 1) } catch let error as DiffusionError {
            throw ConfigurationError("\(error)")
        }
        return settings
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
