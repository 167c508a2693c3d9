internal import Diffusion
internal import Models

/// A scheduler's keys as one diffusers class reads them: those it does not know left out, those that are absent at the
/// class's defaults.
struct SchedulerSettings {
    /// How the σ of a run are chosen.
    enum SigmaSpacing: Equatable {
        /// As the step numbers say.
        case spaced
        case karras
        case exponential
        /// Even in log σ like `exponential`, with whole step numbers.
        case lu
    }

    let kind: SchedulerKind
    let beta: NoiseSchedule.Kind
    let betaSchedule: DiffusionConfiguration.Schedule
    let count: Int
    let rescalesToZeroSNR: Bool
    let prediction: Prediction
    let variance: Variance
    var spacing: DiffusersScheduler.StepSpacing
    let offset: Int
    /// Whether the last step ends at the clean picture, else at the first step's level.
    let endsClean: Bool
    var sigmas: SigmaSpacing
    let smallestSigma: Double?
    let largestSigma: Double?
    let finalSigma: DiffusersScheduler.FinalSigma
    let smallestLambda: Double?
    let originalSteps: Int
    let clamp: SampleTreatment.Clamp
    let order: Int
    let solverType: DiffusersScheduler.SolverType
    let lowersOrderAtEnd: Bool
    let endsFirstOrder: Bool
    let uncorrected: [Int]
    let timestepScaling: Double

    /// - Throws: `ConfigurationError` naming the key whose value cannot be honoured.
    init(_ keys: DiffusersScheduler, as kind: SchedulerKind) throws {
        self.kind = kind
        let count = keys.trainingSteps ?? keys.trainedBetas?.count ?? 1000
        guard DiffusersScheduler.trainingStepsRange.contains(count) else {
            throw ConfigurationError("a scheduler with num_train_timesteps \(count); expected 2 to 100,000")
        }
        self.count = count
        betaSchedule = keys.betaSchedule ?? (kind == .lcm ? .scaledLinear : .linear)
        beta = try Self.beta(keys, betaSchedule, kind, count)
        rescalesToZeroSNR = kind.knowsZeroSNR && keys.rescalesToZeroSNR ?? false
        prediction = keys.prediction ?? .noise
        variance = try Self.variance(keys.varianceType ?? .fixedSmall)

        spacing = keys.spacing ?? ([.ddpm, .ddim, .pndm, .lcm].contains(kind) ? .leading : .linspace)
        offset = keys.stepsOffset ?? 0
        guard (0..<count).contains(offset) else {
            throw ConfigurationError("a scheduler with steps_offset \(offset) in \(count) steps")
        }
        endsClean = keys.endsAtOne ?? (kind != .pndm)
        sigmas = try Self.sigmas(keys, kind)
        smallestSigma = try Self.positive(keys.smallestSigma, "sigma_min")
        largestSigma = try Self.positive(keys.largestSigma, "sigma_max")
        if kind == .euler, keys.interpolation ?? .linear != .linear {
            throw ConfigurationError("a scheduler with interpolation_type log_linear; only linear is known here")
        }
        let knowsFinalSigma = [.dpmSolver, .unipc].contains(kind)
        if kind == .euler, keys.finalSigma == .smallest {
            throw ConfigurationError("EulerDiscreteScheduler with final_sigmas_type sigma_min; only zero is known here")
        }
        finalSigma = knowsFinalSigma ? keys.finalSigma ?? .zero : .zero
        smallestLambda = kind == .dpmSolver ? keys.smallestLambda : nil
        originalSteps = keys.originalSteps ?? 50
        guard kind != .lcm || (1...count).contains(originalSteps) else {
            throw ConfigurationError("a scheduler with original_inference_steps \(originalSteps) of \(count) steps")
        }

        clamp = try Self.clamp(keys, kind)
        order = keys.solverOrder ?? 2
        guard (1...(kind == .dpmSolver ? 2 : 3)).contains(order) else {
            throw ConfigurationError("\(kind.rawValue) with solver_order \(order), which is not known here")
        }
        let solverType = keys.solverType ?? .midpoint
        self.solverType = solverType
        lowersOrderAtEnd = keys.lowersOrderAtEnd ?? true
        endsFirstOrder = keys.endsFirstOrder ?? false
        if kind == .unipc, keys.predictsSample == false {
            throw ConfigurationError("UniPCMultistepScheduler with predict_x0 false; only true is known here")
        }
        uncorrected = keys.uncorrectedSteps ?? []
        timestepScaling = keys.timestepScaling ?? 10
        guard timestepScaling.isFinite else {
            throw ConfigurationError("a scheduler with timestep_scaling \(timestepScaling)")
        }
    }

    private static func beta(
        _ keys: DiffusersScheduler, _ schedule: DiffusionConfiguration.Schedule, _ kind: SchedulerKind, _ count: Int
    ) throws -> NoiseSchedule.Kind {
        if let betas = keys.trainedBetas {
            guard betas.count == count else {
                throw ConfigurationError(
                    "a scheduler with \(betas.count) trained_betas for \(count) num_train_timesteps")
            }
            return .betas(betas)
        }
        let isLatent = [.heun, .lcm, .dpmSolverSDE].contains(kind)
        let from = keys.betaStart ?? (isLatent ? 0.00085 : 0.0001)
        let to = keys.betaEnd ?? (isLatent ? 0.012 : 0.02)
        return switch schedule {
        case .linear: .linear(from: from, to: to)
        case .scaledLinear: .scaledLinear(from: from, to: to)
        case .squaredCosine: .squaredCosine()
        }
    }

    private static func variance(_ type: DiffusersScheduler.VarianceType) throws -> Variance {
        switch type {
        case .fixedSmall, .fixedSmallLog: return .fixedSmall
        case .fixedLarge: return .fixedLarge
        case .learnedRange: return .learnedRange
        case .fixedLargeLog, .learned:
            throw ConfigurationError(
                "a scheduler with variance_type \(type.rawValue); known are fixed_small, fixed_large and learned_range")
        }
    }

    private static func sigmas(_ keys: DiffusersScheduler, _ kind: SchedulerKind) throws -> SigmaSpacing {
        guard kind.knowsSigmas else { return .spaced }
        if keys.usesBetaSigmas == true {
            throw ConfigurationError("a scheduler with use_beta_sigmas true, which is not known here")
        }
        if keys.usesKarrasSigmas == true, keys.usesExponentialSigmas == true {
            throw ConfigurationError("a scheduler with both use_karras_sigmas and use_exponential_sigmas")
        }
        if keys.usesKarrasSigmas == true { return .karras }
        if kind == .dpmSolver, keys.usesLuLambdas == true { return .lu }
        return keys.usesExponentialSigmas == true ? .exponential : .spaced
    }

    private static func clamp(_ keys: DiffusersScheduler, _ kind: SchedulerKind) throws -> SampleTreatment.Clamp {
        if kind.knowsThresholding, keys.thresholds == true {
            let quantile = keys.thresholdQuantile ?? 0.995
            let limit = keys.thresholdLimit ?? 1
            guard (0...1).contains(quantile) else {
                throw ConfigurationError("a scheduler with dynamic_thresholding_ratio \(quantile); expected 0 to 1")
            }
            return .dynamic(quantile: quantile, limit: try positive(limit, "sample_max_value") ?? 1)
        }
        let clips: Bool
        switch kind {
        case .ddpm, .ddim: clips = keys.clipsSample ?? true
        case .heun, .lcm: clips = keys.clipsSample ?? false
        case .pndm, .euler, .eulerAncestral, .dpmSolver, .dpmSolverSDE, .unipc: clips = false
        }
        guard clips else { return .none }
        let range = try positive(keys.clipRange ?? 1, "clip_sample_range") ?? 1
        return .range(-range...range)
    }

    private static func positive(_ number: Double?, _ key: String) throws -> Double? {
        if let number, !(number > 0 && number.isFinite) {
            throw ConfigurationError("a scheduler with \(key) \(number); expected more than 0")
        }
        return number
    }
}

extension SchedulerKind {
    /// Whether the class knows `rescale_betas_zero_snr`.
    fileprivate var knowsZeroSNR: Bool { ![.pndm, .heun, .dpmSolverSDE].contains(self) }

    /// Whether the class knows `use_karras_sigmas` and its like.
    var knowsSigmas: Bool { [.euler, .heun, .dpmSolver, .dpmSolverSDE, .unipc].contains(self) }

    fileprivate var knowsThresholding: Bool { [.ddpm, .ddim, .lcm, .dpmSolver, .unipc].contains(self) }
}
