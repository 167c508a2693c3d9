internal import Diffusion
internal import Foundation
internal import Models

/// Where each class puts its steps: its `set_timesteps`, and the levels that its `step` takes from them.
extension SchedulerSettings {
    /// The process as the class computes it.
    func noiseSchedule() throws -> NoiseSchedule {
        let schedule = try NoiseSchedule(beta, steps: count)
        guard rescalesToZeroSNR else { return schedule }
        // Those that divide by σ keep it finite.
        let isInSigma = [.euler, .eulerAncestral, .dpmSolver, .unipc].contains(kind)
        return try schedule.rescaledToZeroTerminalSNR(floor: isInSigma ? 0x1p-24 : 0)
    }

    /// The way of a run of `steps` steps, without its first `skipped`.
    func trajectory(_ schedule: NoiseSchedule, steps: Int, skipped: Int) throws -> Trajectory {
        guard (1...count).contains(steps) else {
            throw ConfigurationError("\(steps) sampling steps of a process of \(count)")
        }
        switch kind {
        case .ddpm, .ddim, .pndm:
            return try strides(schedule, numbers(schedule, steps), stride: count / steps, skipped)
        case .lcm: return try consistency(schedule, steps: steps, skipped)
        case .euler, .eulerAncestral, .heun, .dpmSolverSDE: return try sigmaLevels(schedule, steps: steps, skipped)
        case .dpmSolver, .unipc: return try solverLevels(schedule, steps: steps, skipped)
        }
    }

    /// The step numbers of the classes that know whole steps only.
    func numbers(_ schedule: NoiseSchedule, _ steps: Int) -> [Int] {
        switch spacing {
        case .linspace: Self.linspace(Double(count - 1), steps).map(Self.rounded)
        case .leading: (0..<steps).reversed().map { $0 * (count / steps) + offset }
        case .trailing: schedule.trailing(steps)
        }
    }

    // MARK: Chains: DDPM, DDIM, PNDM

    private func strides(
        _ schedule: NoiseSchedule, _ numbers: [Int], stride: Int, _ skipped: Int
    ) throws -> Trajectory {
        let end = endsClean ? NoiseLevel.clean : try level(schedule, 0)
        var steps: [(from: NoiseLevel, to: NoiseLevel, isRepeat: Bool)]
        switch kind {
        case .ddpm:
            let levels = try numbers.dropFirst(skipped).map { try level(schedule, $0) }
            steps = zip(levels, levels.dropFirst() + [.clean]).map { ($0, $1, false) }
        case .pndm:
            // The second is there twice, and the second of a run is its first step once more.
            let doubled = numbers.prefix(2) + numbers.dropFirst()
            steps = try doubled.dropFirst(skipped).enumerated().map { index, number in
                if index == 1 { return (try level(schedule, number + stride), try level(schedule, number), true) }
                return (try level(schedule, number), try before(schedule, number, stride, end), false)
            }
        default:
            // Each goes as far as an even stride is, wherever the next one begins.
            steps = try numbers.dropFirst(skipped).map { number in
                (try level(schedule, number), try before(schedule, number, stride, end), false)
            }
        }
        return try Trajectory(steps, initialNoise: .unit)
    }

    private func before(
        _ schedule: NoiseSchedule, _ number: Int, _ stride: Int, _ end: NoiseLevel
    ) throws -> NoiseLevel {
        number < stride ? end : try level(schedule, number - stride)
    }

    private func level(_ schedule: NoiseSchedule, _ number: Int) throws -> NoiseLevel {
        guard (0..<count).contains(number) else {
            throw ConfigurationError(
                "step number \(number) of a process of \(count): steps_offset \(offset) is too much for so many steps")
        }
        return NoiseLevel(timestep: Double(number), alphaBar: schedule.alphaBar[number])
    }

    // MARK: LCM

    private func consistency(_ schedule: NoiseSchedule, steps: Int, _ skipped: Int) throws -> Trajectory {
        guard steps <= originalSteps else {
            throw ConfigurationError(
                "\(steps) sampling steps of a model distilled for \(originalSteps) (original_inference_steps)")
        }
        let stride = count / originalSteps
        let original = (1...originalSteps).reversed().map { $0 * stride - 1 }
        let gap = Double(originalSteps) / Double(steps)
        let numbers = (0..<steps).map { original[min(Int(Double($0) * gap), originalSteps - 1)] }
        let levels = try numbers.dropFirst(skipped).map { try level(schedule, $0) }
        return try Trajectory(levels, initialNoise: .unit)
    }

    // MARK: In σ: Euler, Heun, DPM-Solver SDE

    private func sigmaLevels(_ schedule: NoiseSchedule, steps: Int, _ skipped: Int) throws -> Trajectory {
        var times: [Double] =
            switch spacing {
            case .linspace: Self.linspace(Double(count - 1), steps)
            case .leading, .trailing: numbers(schedule, steps).map(Double.init)
            }
        var sigmas = times.map { Self.interpolated(schedule.sigmas, at: $0) }
        if self.sigmas != .spaced {
            sigmas = try chosenSigmas(steps, over: (sigmas[sigmas.count - 1], sigmas[0]))
            times = sigmas.map { schedule.timestep(sigma: $0) }
        }
        let levels = zip(times, sigmas).dropFirst(skipped).map { NoiseLevel(timestep: $0, sigma: $1) }
        return try Trajectory(
            zip(levels, levels.dropFirst() + [.clean]).map { ($0, $1, false) },
            initialNoise: spacing == .leading ? .unit : .alone)
    }

    /// Those of the whole run, largest first, by formula.
    private func chosenSigmas(_ steps: Int, over range: (low: Double, high: Double)) throws -> [Double] {
        // DPMSolverSDEScheduler's Karras spacing alone does not look at the keys.
        let isFree = kind == .dpmSolverSDE && sigmas == .karras
        let low = isFree ? range.low : smallestSigma ?? range.low
        let high = isFree ? range.high : largestSigma ?? range.high
        if steps == 1 { return [high] }
        return sigmas == .karras
            ? try Sigmas.karras(steps, min: low, max: high) : try Sigmas.exponential(steps, min: low, max: high)
    }

    // MARK: Solvers in λ: DPM-Solver++, UniPC

    private func solverLevels(_ schedule: NoiseSchedule, steps: Int, _ skipped: Int) throws -> Trajectory {
        var numbers: [Int]
        // Steps past the smallest λ are not visited.
        let last = smallestLambda.map { limit in schedule.sigmas.count { -log($0) >= limit } } ?? count
        guard last > 1 else { throw ConfigurationError("a scheduler whose lambda_min_clipped leaves no steps") }
        switch spacing {
        case .linspace: numbers = Self.linspace(Double(last - 1), steps + 1).dropLast().map(Self.rounded)
        case .leading: numbers = (1...steps).reversed().map { $0 * (last / (steps + 1)) + offset }
        case .trailing: numbers = schedule.trailing(steps, from: last).filter { $0 >= 0 }
        }
        var sigmas = numbers.map { Self.interpolated(schedule.sigmas, at: Double($0)) }
        if self.sigmas != .spaced {
            sigmas = try chosenSigmas(steps, over: (schedule.sigmas[0], schedule.sigmas[count - 1]))
            numbers = sigmas.map { whole(schedule.timestep(sigma: $0)) }
        }
        let levels = zip(numbers, sigmas).dropFirst(skipped).map { NoiseLevel(timestep: Double($0), sigma: $1) }
        for (from, to) in zip(levels, levels.dropFirst()) where !(from.sigma > to.sigma) {
            throw ConfigurationError("\(steps) steps are too many for \(kind.rawValue): some are the same")
        }
        let smallest = kind == .unipc && self.sigmas != .spaced ? sigmas[sigmas.count - 1] : schedule.sigmas[0]
        let end = finalSigma == .zero ? NoiseLevel.clean : NoiseLevel(timestep: 0, sigma: smallest)
        return try Trajectory(
            zip(levels, levels.dropFirst() + [end]).map { ($0, $1, false) }, initialNoise: .unit)
    }

    /// The step number that the network is told for a time between two steps: the nearer one, or the lower one.
    private func whole(_ time: Double) -> Int {
        let isNearest =
            switch (kind, sigmas) {
            case (.unipc, .karras): true
            case (_, .karras), (_, .lu): betaSchedule != .squaredCosine
            default: false
            }
        // At either end the time is whole but for rounding.
        return isNearest ? Self.rounded(time) : Int((time + 1e-6).rounded(.down))
    }

    // MARK: numpy's

    /// linspace(0, end, count), falling.
    private static func linspace(_ end: Double, _ count: Int) -> [Double] {
        guard count > 1 else { return [0] }
        let step = end / Double(count - 1)
        return (0..<count).reversed().map { $0 == count - 1 ? end : Double($0) * step }
    }

    /// Half to even.
    private static func rounded(_ number: Double) -> Int { Int(number.rounded(.toNearestOrEven)) }

    /// interp(time, 0, 1, 2 …, values): between the two that lie next to it, and the ends beyond them.
    private static func interpolated(_ values: [Double], at time: Double) -> Double {
        let low = min(max(Int(time), 0), values.count - 1)
        guard time > Double(low), low + 1 < values.count else { return values[low] }
        return values[low] + (values[low + 1] - values[low]) * (time - Double(low))
    }
}
