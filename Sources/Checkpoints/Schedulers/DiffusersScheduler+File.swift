internal import Diffusion
internal import Tensors

extension DiffusersScheduler {
    /// Reads a `scheduler_config.json`.
    /// - Throws: `TensorFileError` or `CheckpointError`, naming the file and the key.
    public init(path: String) throws {
        // DPMSolverMultistepScheduler writes "lambda_min_clipped": -Infinity.
        try self.init(JSONObject(path: path, takesInfinity: true))
    }

    /// - Throws: `CheckpointError` for a class of another process, a value that is out of its range or of the wrong
    ///   type, and a process that is not known here.
    public init(_ json: JSONObject) throws {
        guard let name = try json.string("_class_name") else {
            throw json.wrong("_class_name", expected: "the name of a diffusers scheduler")
        }
        let standIn = SchedulerKind.standIns[name]
        guard let kind = SchedulerKind(rawValue: name) ?? SchedulerKind.aliases[name] ?? standIn else {
            throw json.wrong(
                "_class_name", expected: "one of \(SchedulerKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.init(kind)
        if standIn != nil { standsFor = name }
        // diffusers takes these for absent.
        let unset = Set(try json.strings("_use_default_values") ?? [])
        let json = JSONObject(
            file: json.file, place: json.place, members: json.members.filter { !unset.contains($0.key) })

        trainingSteps = try json.int("num_train_timesteps", in: Self.trainingStepsRange)
        betaStart = try json.number("beta_start")
        betaEnd = try json.number("beta_end")
        betaSchedule = try json.choice("beta_schedule", [
            "linear": .linear, "scaled_linear": .scaledLinear, "squaredcos_cap_v2": .squaredCosine,
        ])
        trainedBetas = try json.numbers("trained_betas")
        prediction = try json.choice("prediction_type", [
            "epsilon": .noise, "sample": .sample, "v_prediction": .velocity,
        ])
        varianceType = try json.choice("variance_type")
        rescalesToZeroSNR = try json.bool("rescale_betas_zero_snr")

        spacing = try json.choice("timestep_spacing")
        stepsOffset = try json.int("steps_offset", in: 0...Self.trainingStepsRange.upperBound)
        endsAtOne = try json.bool("set_alpha_to_one")
        usesKarrasSigmas = try json.bool("use_karras_sigmas")
        usesExponentialSigmas = try json.bool("use_exponential_sigmas")
        usesBetaSigmas = try json.bool("use_beta_sigmas")
        usesLuLambdas = try json.bool("use_lu_lambdas")
        smallestSigma = try json.number("sigma_min")
        largestSigma = try json.number("sigma_max")
        interpolation = try json.choice("interpolation_type")
        finalSigma = try json.choice("final_sigmas_type")
        smallestLambda = try json.number("lambda_min_clipped").flatMap { $0 == -.infinity ? nil : $0 }
        originalSteps = try json.int("original_inference_steps", in: 1...Self.trainingStepsRange.upperBound)

        clipsSample = try json.bool("clip_sample")
        clipRange = try json.number("clip_sample_range")
        thresholds = try json.bool("thresholding")
        thresholdQuantile = try json.number("dynamic_thresholding_ratio")
        thresholdLimit = try json.number("sample_max_value")
        solverOrder = try json.int("solver_order", in: 1...3)
        solverType = try json.choice("solver_type")
        algorithm = try json.choice("algorithm_type")
        lowersOrderAtEnd = try json.bool("lower_order_final")
        endsFirstOrder = try json.bool("euler_at_final")
        predictsSample = try json.bool("predict_x0")
        uncorrectedSteps = try json.ints("disable_corrector")
        skipsRungeKutta = try json.bool("skip_prk_steps")
        timestepScaling = try json.number("timestep_scaling")

        for key in ["use_flow_sigmas", "use_dynamic_shifting"] where try json.bool(key) == true {
            throw json.wrong(key, expected: "false: flow matching is not known here")
        }
        if try json.string("timestep_type") ?? "discrete" != "discrete" {
            throw json.wrong("timestep_type", expected: "discrete")
        }
        if json["solver_p"] != nil { throw json.wrong("solver_p", expected: "null") }
        do { try validate() } catch {
            throw CheckpointError(json.file, "\(error)", expected: "a scheduler that pictures can be drawn with")
        }
    }

    static let trainingStepsRange = 2...100_000

    /// - Throws: `ConfigurationError` where neither the class nor DDIM in its place could sample.
    public func validate() throws { _ = try settings() }
}

extension JSONObject {
    /// A string that is one of some.
    fileprivate func choice<Value>(_ key: String, _ values: [String: Value]) throws -> Value? {
        guard let name = try string(key) else { return nil }
        guard let value = values[name] else {
            throw wrong(key, expected: "one of \(values.keys.sorted().joined(separator: ", "))")
        }
        return value
    }

    fileprivate func choice<Value: RawRepresentable<String>>(_ key: String) throws -> Value? {
        guard let name = try string(key) else { return nil }
        guard let value = Value(rawValue: name) else { throw wrong(key, expected: "a value that is known here") }
        return value
    }
}
