internal import Diffusion
internal import Models

extension SchedulerSettings {
    /// The class's own way, or one that the user asks for.
    ///
    /// - Parameters:
    ///   - schedule: a spacing's name: what the class has a key for is set there, anything else is laid out by
    ///     `Spacing`.
    ///   - isStochastic: `sde-dpmsolver++` instead of `dpmsolver++`.
    ///   - strength: how much of the way is taken, for starting from a picture; nil is all of it.
    /// - Throws: `ConfigurationError` or `DiffusionError`.
    func plan(
        steps: Int, schedule name: String = "default", isStochastic: Bool = false, strength: Double? = nil
    ) throws -> SamplingPlan {
        var settings = self
        let isOwn = settings.take(name)
        let schedule = try noiseSchedule()
        let skipped = try strength.map { try Trajectory.skipped(strength: $0, of: steps) } ?? 0
        var trajectory: Trajectory
        if isOwn {
            trajectory = try settings.trajectory(schedule, steps: steps, skipped: skipped)
        } else {
            let spacing = try Spacing(parsing: name, steps: steps, standard: .linspace(steps))
            let rounds = [.dpmSolver, .unipc].contains(kind)
            trajectory = try schedule.trajectory(spacing, rounding: rounds)
            if let strength { trajectory = try trajectory.starting(strength: strength) }
        }
        return SamplingPlan(
            sampler: settings.sampler(trajectory, isStochastic: isStochastic, steps: steps, skipped: skipped),
            trajectory: trajectory, schedule: schedule, prediction: prediction, variance: variance, clamp: clamp)
    }

    /// Takes over a spacing that the class has a key for.
    ///
    /// - Returns: false where it has none.
    private mutating func take(_ name: String) -> Bool {
        if name == "default" { return true }
        if let spacing = DiffusersScheduler.StepSpacing(rawValue: name), kind != .lcm {
            (self.spacing, sigmas) = (spacing, .spaced)
            return true
        }
        guard kind.knowsSigmas, name == "karras" || name == "exponential" else { return false }
        sigmas = name == "karras" ? .karras : .exponential
        return true
    }

    private func sampler(_ trajectory: Trajectory, isStochastic: Bool, steps: Int, skipped: Int) -> any Sampler {
        switch kind {
        case .ddpm:
            let endsAtZero = trajectory.steps[trajectory.count - 1].from.timestep == 0
            return DDPM(ending: endsAtZero ? .mean : .drawn(floor: 1e-20))
        case .ddim: return DDIM(direction: .predicted)
        case .pndm: return PNDM()
        case .euler: return Euler()
        case .eulerAncestral: return EulerAncestral()
        case .heun: return Heun()
        case .dpmSolverSDE: return DPMSolverSDE()
        case .dpmSolver:
            let correction: DPMSolver2M.Correction = order == 1 ? .none : solverType == .heun ? .heun : .midpoint
            let ends = endsFirstOrder || lowersOrderAtEnd && steps < 15
            return isStochastic
                ? DPMSolver2MSDE(correction: correction, endsFirstOrder: ends)
                : DPMSolver2M(correction: correction, endsFirstOrder: ends)
        case .unipc:
            return UniPC(
                order: order, weight: solverType == .bh1 ? .bh1 : .bh2, lowersOrderAtEnd: lowersOrderAtEnd,
                uncorrected: Set(uncorrected.map { $0 - skipped }))
        case .lcm: return LCM(timestepScaling: timestepScaling)
        }
    }
}
