import Diffusion
import Foundation
import Tensors

/// A Gaussian mixture in the plane, whose denoiser is known exactly.
struct Mixture {
    let weights: [Double]
    let means: [[Double]]
    let deviation: Double

    static let example = Mixture(
        weights: [0.5, 0.3, 0.2], means: [[-1, -0.5], [0.8, -0.6], [0.3, 1]], deviation: 0.15)

    /// E[x₀ | x = x₀ + σ ε], for x [N, 2].
    func denoised(_ x: Tensor, sigma: Double) throws -> Tensor {
        let variance = deviation * deviation + sigma * sigma
        let centres = try Tensor(means.flatMap { $0 }, shape: [1, weights.count, 2])
        let offsets = try x.unsqueeze(1) - centres  // [N, K, 2]
        let logPriors = try Tensor(weights.map { log($0) }, shape: [1, weights.count])
        let logits = try offsets.square().sum([2]) / (-2 * variance) + logPriors
        let shares = try logits.softmax(dim: 1).unsqueeze(2)
        return try (shares * (centres + offsets * (deviation * deviation / variance))).sum([1])
    }

    /// How far samples [N, 2] are from the mixture: the largest error of a component's share, of its mean (in
    /// deviations) and of its deviation (relative). Components lie so far apart that each sample belongs to the nearest.
    func distance(_ samples: Tensor) throws -> Double {
        let flat = try samples.doubles()
        let points = stride(from: 0, to: flat.count, by: 2).map { [flat[$0], flat[$0 + 1]] }
        let square = { (p: [Double], q: [Double]) in (p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]) }
        let groups = Dictionary(grouping: points) { point in
            means.indices.min { square(point, means[$0]) < square(point, means[$1]) } ?? 0
        }
        var errors: [Double] = []
        for (index, mean) in means.enumerated() {
            guard let group = groups[index], group.count > 1 else { return 1 }
            let count = Double(group.count)
            let centre = (0..<2).map { axis in group.map { $0[axis] }.reduce(0, +) / count }
            let spread = (group.map { square($0, centre) }.reduce(0, +) / (2 * count)).squareRoot()
            errors += [count / Double(points.count) - weights[index], spread / deviation - 1]
            errors.append(square(centre, mean).squareRoot() / deviation)
        }
        return errors.map(abs).max() ?? 1
    }

    /// The mixture's consistency model: where the way of the ODE ends from x, by 20 of Heun's steps.
    func consistent(_ schedule: NoiseSchedule) -> Denoiser {
        let exact = denoiser(schedule, .sample)
        return Denoiser(schedule: schedule, prediction: .sample, treatment: SampleTreatment(clamp: .none)) { query in
            let sigma = query.level.sigma
            let way = try schedule.trajectory(.karras(20, range: min(0.01, sigma / 2)...sigma))
            var x = try query.x / query.level.alphaBar.squareRoot()
            for index in 0..<way.count {
                x = try Heun().step(x, Moment(way, index: index), exact) { try x * 0 }.x
            }
            return x
        }
    }

    /// The mixture's exact network, in the words of any prediction.
    func denoiser(_ schedule: NoiseSchedule, _ prediction: Prediction) -> Denoiser {
        Denoiser(schedule: schedule, prediction: prediction, treatment: SampleTreatment(clamp: .none)) { query in
            let x = try query.x / query.level.alphaBar.squareRoot()
            let x0 = try denoised(x, sigma: query.level.sigma)
            let scales = Scales(query.level)
            return switch prediction {
            case .sample: x0
            case .noise: try Prediction.sample.noise(x0, xt: query.x, scales)
            case .velocity: try Prediction.sample.velocity(x0, xt: query.x, scales)
            }
        }
    }
}

extension SamplerName {
    /// As many steps as it takes for what is left to be chance.
    var thoroughSpacing: Spacing {
        switch self {
        case .ddpm: .all
        case .ddim, .pndm: .respaced(.sections([250]))
        case .euler, .eulerAncestral: .karras(300, range: 0.01...80)
        case .dpmSolver2MSDE: .karras(150, range: 0.01...80)
        case .dpmSolverSDE: .karras(80, range: 0.01...80)
        case .heun, .dpmSolver2M, .unipc: .karras(40, range: 0.01...80)
        case .lcm: .timesteps([999, 700, 400, 100])
        }
    }
}

/// A sampler with one thing wrong.
struct Broken: Sampler {
    enum Fault: CaseIterable {
        /// Goes nine tenths of the way.
        case shortStep
        /// Draws noise a fifth too strong, or too weak.
        case loudNoise, quietNoise
        /// Tells the network of a quarter more noise than there is.
        case wrongLevel
    }

    let sampler: any Sampler
    let fault: Fault

    var scaling: Scaling { sampler.scaling }
    var memory: Int { sampler.memory }

    func adapted(_ trajectory: Trajectory) -> Trajectory { sampler.adapted(trajectory) }

    func step(_ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor) throws -> Advance {
        switch fault {
        case .shortStep:
            let whole = try sampler.step(x, moment, denoiser, noise: noise)
            return Advance(
                x: try x.lerp(whole.x, weight: 0.9), x0: whole.x0, corrected: whole.corrected,
                prediction: whole.prediction)
        case .loudNoise: return try sampler.step(x, moment, denoiser) { try noise() * 1.2 }
        case .quietNoise: return try sampler.step(x, moment, denoiser) { try noise() * 0.8 }
        case .wrongLevel:
            var confused = denoiser
            confused.network = { query in
                let level = denoiser.level(sigma: query.level.sigma * 1.25)
                return try denoiser.network(Query(x: query.x, level: level))
            }
            return try sampler.step(x, moment, confused, noise: noise)
        }
    }
}
