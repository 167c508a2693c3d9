public import Diffusion
internal import Models

/// What a diffusers `scheduler_config.json` says: which class, and the values it gives to that class's keys.
///
/// Keys that are absent stay absent: each class has defaults of its own, and `SchedulerSettings` fills them in for the
/// class that is asked for, as `from_config` does.
///
/// ```swift
/// let scheduler = try DiffusersScheduler(path: "model/scheduler/scheduler_config.json")
/// let diffusion = try DiffusionConfiguration(scheduler)
/// let plan = try diffusion.plan(.euler, steps: 30)
/// ```
public struct DiffusersScheduler: Codable, Sendable, Equatable {
    public var kind: SchedulerKind
    /// The class that the file names, where it is not known here and `kind`, of the same process, stands in.
    public var standsFor: String?

    // The process.
    public var trainingSteps: Int?
    public var betaStart: Double?
    public var betaEnd: Double?
    public var betaSchedule: DiffusionConfiguration.Schedule?
    public var trainedBetas: [Double]?
    public var prediction: Prediction?
    public var varianceType: VarianceType?
    public var rescalesToZeroSNR: Bool?

    // Where the steps lie.
    public var spacing: StepSpacing?
    public var stepsOffset: Int?
    public var endsAtOne: Bool?
    public var usesKarrasSigmas: Bool?
    public var usesExponentialSigmas: Bool?
    public var usesBetaSigmas: Bool?
    public var usesLuLambdas: Bool?
    public var smallestSigma: Double?
    public var largestSigma: Double?
    public var interpolation: Interpolation?
    public var finalSigma: FinalSigma?
    public var smallestLambda: Double?
    public var originalSteps: Int?

    // What the sampler does.
    public var clipsSample: Bool?
    public var clipRange: Double?
    public var thresholds: Bool?
    public var thresholdQuantile: Double?
    public var thresholdLimit: Double?
    public var solverOrder: Int?
    public var solverType: SolverType?
    public var algorithm: Algorithm?
    public var lowersOrderAtEnd: Bool?
    public var endsFirstOrder: Bool?
    public var predictsSample: Bool?
    public var uncorrectedSteps: [Int]?
    public var skipsRungeKutta: Bool?
    public var timestepScaling: Double?

    public init(_ kind: SchedulerKind) { self.kind = kind }

    public enum VarianceType: String, Codable, Sendable {
        case fixedSmall = "fixed_small"
        case fixedSmallLog = "fixed_small_log"
        case fixedLarge = "fixed_large"
        case fixedLargeLog = "fixed_large_log"
        case learned
        case learnedRange = "learned_range"
    }

    public enum StepSpacing: String, Codable, Sendable { case leading, trailing, linspace }
    public enum Interpolation: String, Codable, Sendable { case linear, logarithmic = "log_linear" }
    public enum FinalSigma: String, Codable, Sendable { case zero, smallest = "sigma_min" }
    public enum SolverType: String, Codable, Sendable { case midpoint, heun, logrho, bh1, bh2 }
    public enum Algorithm: String, Codable, Sendable {
        case dpmSolver = "dpmsolver"
        case dpmSolverPlusPlus = "dpmsolver++"
        case sdeDPMSolver = "sde-dpmsolver"
        case sdeDPMSolverPlusPlus = "sde-dpmsolver++"
        case deis
    }
}

/// The classes of diffusers whose way of sampling is known here.
public enum SchedulerKind: String, Codable, Sendable, CaseIterable {
    case ddpm = "DDPMScheduler"
    case ddim = "DDIMScheduler"
    case pndm = "PNDMScheduler"
    case euler = "EulerDiscreteScheduler"
    case eulerAncestral = "EulerAncestralDiscreteScheduler"
    case heun = "HeunDiscreteScheduler"
    case dpmSolver = "DPMSolverMultistepScheduler"
    case dpmSolverSDE = "DPMSolverSDEScheduler"
    case unipc = "UniPCMultistepScheduler"
    case lcm = "LCMScheduler"

    /// Classes that do as a known one does.
    static let aliases: [String: SchedulerKind] = ["DDIMParallelScheduler": .ddim, "DDPMParallelScheduler": .ddpm]

    /// Classes that share a known one's process, and by which of ours such models are sampled instead.
    static let standIns: [String: SchedulerKind] = [
        "LMSDiscreteScheduler": .euler, "KDPM2DiscreteScheduler": .heun,
        "KDPM2AncestralDiscreteScheduler": .eulerAncestral, "DEISMultistepScheduler": .dpmSolver,
        "DPMSolverSinglestepScheduler": .dpmSolver, "TCDScheduler": .ddim,
    ]
}
