internal import Diffusion
internal import Models

/// `config.json` of diffusers' `UNet2DConditionModel`, keys as they are there.
struct DiffusersUNetJSON: Encodable {
    let _class_name = "UNet2DConditionModel"
    let sample_size, in_channels, out_channels, norm_num_groups, cross_attention_dim: Int
    let block_out_channels, layers_per_block, attention_head_dim, transformer_layers_per_block: [Int]
    let down_block_types, up_block_types: [String]
    let mid_block_type = "UNetMidBlock2DCrossAttn"
    let dropout: Double
    let use_linear_projection: Bool
    let resnet_time_scale_shift: String
    let addition_embed_type: String?
    let addition_time_embed_dim, projection_class_embeddings_input_dim: Int?
    let act_fn = "silu"
    let norm_eps = 1e-5
    let flip_sin_to_cos = true
    let freq_shift = 0
    let downsample_padding = 1
    let center_input_sample = false

    /// - Parameter side: of the latents.
    /// - Throws: `ConfigurationError` for a network that diffusers' class cannot be.
    init(_ configuration: UNetConfiguration, side: Int) throws {
        // Refuses all others but those below.
        _ = try UNetNames.diffusers(configuration)
        guard case .cross(let width, let linear) = configuration.text, let first = configuration.levels.first else {
            throw ConfigurationError("diffusers' U-Nets attend across to text")
        }
        guard configuration.modelChannels == first.channels else {
            throw ConfigurationError(
                "diffusers' U-Nets have a time embedding as wide as their first level, \(first.channels), not \(configuration.modelChannels)")
        }
        let levels = configuration.levels
        let middle = configuration.middleDepth ?? 1
        guard let last = levels.last, !last.attention || (last.transformerDepth ?? 1) == middle else {
            throw ConfigurationError("diffusers' U-Nets have as many transformer blocks in the middle as at their last level")
        }
        sample_size = side
        in_channels = configuration.inputChannels
        out_channels = configuration.outputChannels
        norm_num_groups = configuration.normGroups
        cross_attention_dim = width
        block_out_channels = levels.map(\.channels)
        layers_per_block = levels.map(\.residualBlocks)
        // The number of heads, in spite of its name; of a level that does not attend it says nothing.
        attention_head_dim = levels.map { max(1, configuration.heads(of: $0)) }
        transformer_layers_per_block = levels.indices.map {
            $0 == levels.count - 1 ? middle : levels[$0].transformerDepth ?? 1
        }
        down_block_types = levels.map { $0.attention ? "CrossAttnDownBlock2D" : "DownBlock2D" }
        up_block_types = levels.reversed().map { $0.attention ? "CrossAttnUpBlock2D" : "UpBlock2D" }
        dropout = configuration.dropout
        use_linear_projection = linear
        resnet_time_scale_shift = configuration.scaleShiftNorm ? "scale_shift" : "default"
        addition_embed_type = configuration.addedWidth == nil ? nil : "text_time"
        addition_time_embed_dim = configuration.addedWidth == nil ? nil : configuration.sizeSinusoidWidth ?? 256
        projection_class_embeddings_input_dim = configuration.addedWidth
    }
}

/// `config.json` of transformers' `CLIPTextModel` and `CLIPTextModelWithProjection`.
struct CLIPTextJSON: Encodable {
    let architectures: [String]
    let model_type = "clip_text_model"
    let vocab_size, max_position_embeddings, hidden_size, intermediate_size: Int
    let num_hidden_layers, num_attention_heads, projection_dim: Int
    let hidden_act: String
    let layer_norm_eps: Double
    let bos_token_id, eos_token_id, pad_token_id: Int
    let attention_dropout = 0.0
    let initializer_range = 0.02
    let initializer_factor = 1.0
    let torch_dtype = "float32"

    init(_ configuration: CLIPTextConfiguration, padding: Int) {
        architectures = [configuration.projection == nil ? "CLIPTextModel" : "CLIPTextModelWithProjection"]
        vocab_size = configuration.vocabulary
        max_position_embeddings = configuration.context
        hidden_size = configuration.width
        intermediate_size = configuration.expandedWidth
        num_hidden_layers = configuration.layers
        num_attention_heads = configuration.heads
        projection_dim = configuration.projection ?? configuration.width
        hidden_act = configuration.activation == .quickGELU ? "quick_gelu" : "gelu"
        layer_norm_eps = configuration.epsilon
        bos_token_id = max(0, configuration.vocabulary - 2)
        // 2 means the highest token, wherever it stands.
        eos_token_id = configuration.endToken ?? 2
        pad_token_id = padding
    }
}

/// `scheduler_config.json`.
struct SchedulerJSON: Encodable {
    let className: String
    private let values: [String: Value]

    enum Value: Encodable {
        case flag(Bool), number(Double), whole(Int), text(String), numbers([Double])

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .flag(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .whole(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .numbers(let value): try container.encode(value)
            }
        }
    }

    func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }

    /// The process as its own configuration says it where the model came with one, under the class that its file named,
    /// else as a `DDIMScheduler` that begins at the noisiest step.
    ///
    /// - Throws: `ConfigurationError` for a process that none of diffusers' schedulers has.
    init(_ diffusion: DiffusionConfiguration) throws {
        guard diffusion.variance != .learnedRange else {
            throw ConfigurationError("diffusers' Stable Diffusion pipelines take no network that learned its variance")
        }
        let scheduler = diffusion.scheduler ?? Self.plain(diffusion)
        className = scheduler.standsFor ?? scheduler.kind.rawValue
        var values: [String: Value] = ["_class_name": .text(className), "_diffusers_version": .text("0.36.0")]
        func add(_ key: String, _ value: Value?) { if let value { values[key] = value } }
        add("num_train_timesteps", scheduler.trainingSteps.map(Value.whole))
        add("beta_start", scheduler.betaStart.map(Value.number))
        add("beta_end", scheduler.betaEnd.map(Value.number))
        add("beta_schedule", scheduler.betaSchedule.map { .text(Self.names[$0] ?? $0.rawValue) })
        add("trained_betas", scheduler.trainedBetas.map(Value.numbers))
        add("prediction_type", scheduler.prediction.map { .text(Self.predictions[$0] ?? $0.rawValue) })
        add("variance_type", scheduler.varianceType.map { .text($0.rawValue) })
        add("rescale_betas_zero_snr", scheduler.rescalesToZeroSNR.map(Value.flag))
        add("timestep_spacing", scheduler.spacing.map { .text($0.rawValue) })
        add("steps_offset", scheduler.stepsOffset.map(Value.whole))
        add("set_alpha_to_one", scheduler.endsAtOne.map(Value.flag))
        add("use_karras_sigmas", scheduler.usesKarrasSigmas.map(Value.flag))
        add("use_exponential_sigmas", scheduler.usesExponentialSigmas.map(Value.flag))
        add("use_beta_sigmas", scheduler.usesBetaSigmas.map(Value.flag))
        add("use_lu_lambdas", scheduler.usesLuLambdas.map(Value.flag))
        add("sigma_min", scheduler.smallestSigma.map(Value.number))
        add("sigma_max", scheduler.largestSigma.map(Value.number))
        add("interpolation_type", scheduler.interpolation.map { .text($0.rawValue) })
        add("final_sigmas_type", scheduler.finalSigma.map { .text($0.rawValue) })
        add("lambda_min_clipped", scheduler.smallestLambda.map(Value.number))
        add("original_inference_steps", scheduler.originalSteps.map(Value.whole))
        add("clip_sample", scheduler.clipsSample.map(Value.flag))
        add("clip_sample_range", scheduler.clipRange.map(Value.number))
        add("thresholding", scheduler.thresholds.map(Value.flag))
        add("dynamic_thresholding_ratio", scheduler.thresholdQuantile.map(Value.number))
        add("sample_max_value", scheduler.thresholdLimit.map(Value.number))
        add("solver_order", scheduler.solverOrder.map(Value.whole))
        add("solver_type", scheduler.solverType.map { .text($0.rawValue) })
        add("algorithm_type", scheduler.algorithm.map { .text($0.rawValue) })
        add("lower_order_final", scheduler.lowersOrderAtEnd.map(Value.flag))
        add("euler_at_final", scheduler.endsFirstOrder.map(Value.flag))
        add("predict_x0", scheduler.predictsSample.map(Value.flag))
        add("disable_corrector", scheduler.uncorrectedSteps.map { .numbers($0.map(Double.init)) })
        add("skip_prk_steps", scheduler.skipsRungeKutta.map(Value.flag))
        add("timestep_scaling", scheduler.timestepScaling.map(Value.number))
        self.values = values
    }

    private static let names: [DiffusionConfiguration.Schedule: String] = [
        .linear: "linear", .scaledLinear: "scaled_linear", .squaredCosine: "squaredcos_cap_v2",
    ]
    private static let predictions: [Prediction: String] = [
        .noise: "epsilon", .sample: "sample", .velocity: "v_prediction",
    ]

    private static func plain(_ diffusion: DiffusionConfiguration) -> DiffusersScheduler {
        var scheduler = DiffusersScheduler(.ddim)
        scheduler.trainingSteps = diffusion.steps
        scheduler.betaSchedule = diffusion.schedule
        switch diffusion.schedule {
        case .linear:
            // As the schedule's paper has it, stretched to the number of steps.
            let stretch = 1000 / Double(diffusion.steps)
            scheduler.betaStart = diffusion.betas?.from ?? 0.0001 * stretch
            scheduler.betaEnd = diffusion.betas?.to ?? 0.02 * stretch
        case .scaledLinear:
            scheduler.betaStart = diffusion.betas?.from ?? 0.00085
            scheduler.betaEnd = diffusion.betas?.to ?? 0.012
        case .squaredCosine: break
        }
        scheduler.trainedBetas = diffusion.trainedBetas
        scheduler.prediction = diffusion.prediction
        scheduler.rescalesToZeroSNR = diffusion.zeroTerminalSNR
        scheduler.spacing = .trailing
        scheduler.stepsOffset = 1
        scheduler.endsAtOne = false
        scheduler.clipsSample = false
        return scheduler
    }
}
