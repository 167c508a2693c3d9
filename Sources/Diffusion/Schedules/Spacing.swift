/// How the steps of a sampling run lie within the schedule.
public enum Spacing: Sendable, Hashable {
    /// Every step.
    case all
    /// OpenAI's sections.
    case respaced(Respacing)
    /// 0, T/n, 2T/n …, shifted by `offset`: diffusers' "leading", which Stable Diffusion 1 uses with an offset of 1.
    case leading(Int, offset: Int = 0)
    /// T − 1, T − 1 − T/n …: the noisiest step is always visited (Lin et al. 2023).
    case trailing(Int)
    /// Evenly from the noisiest step to 0, rounded to whole steps.
    case linspace(Int)
    /// Evenly from the noisiest step to 0, between steps where need be: k-diffusion's `get_sigmas`.
    case interpolated(Int)
    /// Karras et al. 2022; over all of the schedule's σ unless a range is given.
    case karras(Int, range: ClosedRange<Double>? = nil, rho: Double = 7)
    /// Even in log σ.
    case exponential(Int, range: ClosedRange<Double>? = nil)
    /// Any σ, falling.
    case sigmas([Double])
    /// Any original step numbers, falling.
    case timesteps([Int])

    public static let names = ["default", "leading", "trailing", "linspace", "interpolated", "karras", "exponential"]

    /// A spacing by its name on the command line, or OpenAI's respacing text, which has its own number of steps.
    ///
    /// - Parameter standard: what "default" means for the sampler; see `SamplerName.spacing(steps:)`.
    public init(parsing name: String, steps: Int, standard: Spacing) throws {
        switch name {
        case "default": self = standard
        case "leading": self = .leading(steps)
        case "trailing": self = .trailing(steps)
        case "linspace": self = .linspace(steps)
        case "interpolated": self = .interpolated(steps)
        case "karras": self = .karras(steps)
        case "exponential": self = .exponential(steps)
        default:
            guard let respacing = try? Respacing(parsing: name) else {
                throw DiffusionError.unknown(what: "schedule", name: name, known: Self.names + ["fast27", "10,10,5"])
            }
            self = .respaced(respacing)
        }
    }
}

extension NoiseSchedule {
    /// The levels to visit, noisiest first.
    ///
    /// - Parameter rounding: gives the network whole step numbers where σ falls between two.
    /// - Throws: `DiffusionError.spacing` where there are not as many steps as asked for.
    public func trajectory(_ spacing: Spacing, rounding: Bool = false) throws -> Trajectory {
        switch spacing {
        case .all: return try visiting(Array(0..<count))
        case .respaced(let respacing): return try visiting(respacing.steps(of: count))
        case .leading(let wanted, let offset):
            guard (0..<count).contains(offset) else {
                throw DiffusionError.spacing("an offset of \(offset) in a schedule of \(count) steps")
            }
            return try visiting((0..<checked(wanted)).map { $0 * (count / wanted) + offset })
        case .trailing(let wanted):
            return try visiting(trailing(checked(wanted)).reversed())
        case .linspace(let wanted):
            // One step alone is the first, as numpy's linspace(0, T − 1, 1) has it.
            return try visiting(Diffusion.linspace(0, Double(count - 1), checked(wanted)).map {
                Int($0.rounded(.toNearestOrEven))
            })
        case .interpolated(let wanted):
            return try Trajectory(Diffusion.linspace(Double(count - 1), 0, checked(wanted)).map { index in
                try level(timestep: time(ofIndex: index))
            })
        case .karras(let wanted, let range, let rho):
            return try visiting(sigmas: Sigmas.karras(wanted, min: low(range), max: high(range), rho: rho), rounding)
        case .exponential(let wanted, let range):
            return try visiting(sigmas: Sigmas.exponential(wanted, min: low(range), max: high(range)), rounding)
        case .sigmas(let sigmas): return try visiting(sigmas: sigmas, rounding)
        case .timesteps(let numbers): return try Trajectory(numbers.map { try level(timestep: Double($0)) })
        }
    }

    /// numpy's round(arange(`start`, 0, −T/n)) − 1, falling: half to even, the stride rounded as there.
    ///
    /// - Parameters:
    ///   - wanted: n.
    ///   - start: T unless given.
    package func trailing(_ wanted: Int, from start: Int? = nil) -> [Int] {
        let (start, stride) = (Double(start ?? count), Double(count) / Double(wanted))
        let rounded = (start - stride) - start
        return (0..<wanted).map { Int((start + Double($0) * rounded).rounded(.toNearestOrEven)) - 1 }
    }

    /// - Parameter indices: ascending.
    private func visiting(_ indices: [Int]) throws -> Trajectory {
        try Trajectory(indices.reversed().map { index in
            guard timesteps.indices.contains(index) else {
                throw DiffusionError.spacing("step \(index) is none of the schedule's 0..<\(count)")
            }
            return NoiseLevel(timestep: Double(timesteps[index]), alphaBar: alphaBar[index])
        })
    }

    private func visiting(sigmas: [Double], _ rounding: Bool) throws -> Trajectory {
        let sigmas = sigmas.last == 0 ? sigmas.dropLast() : sigmas
        guard sigmas.allSatisfy(\.isFinite) else { throw DiffusionError.spacing("a σ that is no finite number") }
        return try Trajectory(sigmas.map { level(sigma: $0, rounding: rounding) })
    }

    private func checked(_ wanted: Int) throws -> Int {
        guard (1...count).contains(wanted) else {
            throw DiffusionError.spacing("cannot take \(wanted) of \(count) steps")
        }
        return wanted
    }

    /// The original number at a fractional index of this schedule.
    private func time(ofIndex index: Double) -> Double {
        let low = min(max(Int(index), 0), count - 1)
        let high = min(low + 1, count - 1)
        let weight = index - Double(low)
        if weight == 0 { return Double(timesteps[low]) }
        return (1 - weight) * Double(timesteps[low]) + weight * Double(timesteps[high])
    }

    private func low(_ range: ClosedRange<Double>?) -> Double { range?.lowerBound ?? sigmas[0] }
    private func high(_ range: ClosedRange<Double>?) -> Double { range?.upperBound ?? sigmas[count - 1] }
}
