import Foundation
import Diffusion
import Tensors
import Testing

@Suite struct LossTests {
    let schedule: NoiseSchedule

    init() throws { schedule = try NoiseSchedule(.squaredCosine()) }

    func goldenBatch() throws -> NoisedBatch {
        let fixture = try Fixture("gradients/batch")
        return try schedule.noised(
            fixture["batch.x0"].to(.float64), at: fixture["batch.timesteps"].ints(),
            noise: fixture["batch.noise"].to(.float64))
    }

    @Test func plainLossAgrees() throws {
        let fixture = try Fixture("gradients/mse-1")
        let batch = try goldenBatch()
        #expect(try difference(batch.xt, fixture["value.xt"]) < 1e-12)
        let output = try fixture["value.output"].narrow(1, start: 0, length: 3)
        let terms = try DiffusionLoss(.noise)(output, batch)
        #expect(try difference(terms.squaredError, fixture["value.mse"]) < 1e-12)
        #expect(try difference(terms.total, fixture["value.loss"]) < 1e-12)
        #expect(terms.variational == nil)
    }

    @Test func learnedVarianceLossAgrees() throws {
        let fixture = try Fixture("gradients/learned_variance-1")
        let batch = try goldenBatch()
        #expect(batch.times.contains(0) && batch.times.contains(900))
        let terms = try DiffusionLoss(.noise, variance: .learnedRange)(fixture["value.output"], batch)
        let variational = try #require(terms.variational)
        #expect(try difference(terms.squaredError, fixture["value.mse"]) < 1e-12)
        #expect(try difference(variational, fixture["value.vb"]) < 1e-10)
        #expect(try difference(terms.total, fixture["value.loss"]) < 1e-10)
    }

    /// Each element counts as its emphasis says; the squared error and the variational term are told as they are.
    @Test func emphasisWeighsElements() throws {
        let batch = try goldenBatch()
        let output = try normal([6, 6, 8, 8], seed: 9)
        let weights = (0..<6 * 64).map { Double($0 % 5) / 2 }
        let emphasis = try Tensor(weights, shape: [6, 1, 8, 8])
        let loss = DiffusionLoss(.noise, variance: .learnedRange, variationalWeight: 0.01)
        let (plain, weighed) = (try loss(output, batch), try loss(output, batch, emphasis: emphasis))
        let predicted = try output.narrow(1, start: 0, length: 3)
        let errors = try (predicted - batch.noise).square().doubles()
        for example in 0..<6 {
            let expected = (0..<3 * 64).reduce(0.0) { sum, place in
                sum + errors[example * 192 + place] * weights[example * 64 + place % 64]
            } / 192
            let found = try weighed.perExample.doubles()[example] - plain.perExample.doubles()[example]
            #expect(abs(found - (expected - (try plain.squaredError.doubles()[example]))) < 1e-12)
        }
        #expect(try difference(weighed.squaredError, plain.squaredError) == 0)
        let same = try loss(output, batch, emphasis: Tensor(Array(repeating: 1.0, count: 6 * 64), shape: [6, 1, 8, 8]))
        #expect(try difference(same.perExample, plain.perExample) < 1e-12)
    }

    @Test func theVariationalTermTrainsTheVarianceAlone() throws {
        let batch = try goldenBatch()
        let output = try normal([6, 6, 8, 8], seed: 9) * 0.1
        let gradient = { (weight: Double) in
            let loss = DiffusionLoss(.noise, variance: .learnedRange, variationalWeight: weight)
            return try gradients(of: output) { try loss($0, batch).total }
        }
        let (without, with) = (try gradient(0), try gradient(0.001))
        let noise = { (t: Tensor) in try t.narrow(1, start: 0, length: 3) }
        let variance = { (t: Tensor) in try t.narrow(1, start: 3, length: 3) }
        #expect(try difference(noise(with), noise(without)) == 0)
        #expect(try noise(with).abs().max().item() > 0)
        #expect(try variance(without).abs().max().item() == 0)
        #expect(try variance(with).abs().max().item() > 0)
    }

    @Test(arguments: Prediction.allCases) func gradientsAreTheClosedForm(prediction: Prediction) throws {
        let x0 = try normal([3, 2, 4, 4], seed: 1)
        let noise = try normal([3, 2, 4, 4], seed: 2)
        let batch = try schedule.noised(x0, at: [10, 400, 900], noise: noise)
        let output = try normal([3, 2, 4, 4], seed: 3)
        let loss = DiffusionLoss(prediction, weighting: .minSNR())
        let gradient = try gradients(of: output) { try loss($0, batch).total }
        // d/do of mean_n w_n · mean (o − target)² = 2 w (o − target) / (3 · 32).
        let target = try prediction.target(x0: x0, noise: noise, batch.scales)
        let weights = batch.levels.map { LossWeighting.minSNR().weight(prediction, at: $0) * 2 / 96 }
        let expected = try (output - target) * Tensor(weights, shape: [3, 1, 1, 1])
        #expect(try difference(gradient, expected) < 1e-12)
    }

    @Test func minSNRIsThePapers() throws {
        for time in [5.0, 300, 600, 950] {
            let level = try schedule.level(timestep: time)
            let snr = level.alphaBar / (1 - level.alphaBar)
            let weight = { LossWeighting.minSNR(gamma: 5).weight($0, at: level) }
            #expect(abs(weight(.sample) - min(snr, 5)) < 1e-12)
            #expect(abs(weight(.noise) - min(snr, 5) / snr) < 1e-12)
            #expect(abs(weight(.velocity) - min(snr, 5) / (snr + 1)) < 1e-12)
            let inverse = LossWeighting.inverseVariance(limit: 6).weight(.sample, at: level)
            #expect(abs(inverse - min(1 / (1 - level.alphaBar), 6)) < 1e-12)
            #expect(Prediction.allCases.allSatisfy { LossWeighting.uniform.weight($0, at: level) == 1 })
        }
        let nothing = try NoiseSchedule(.scaledLinear()).rescaledToZeroTerminalSNR().level(timestep: 999)
        let weights = [Prediction.noise, .sample, .velocity].map { LossWeighting.minSNR().weight($0, at: nothing) }
        #expect(weights == [1, 0, 0])
    }

    /// A network that errs by the same in x₀ has the same weighted loss, whatever it predicts.
    @Test(arguments: [LossWeighting.minSNR(gamma: 5), .inverseVariance(limit: 6)])
    func weightedLossesAgreeOverPredictions(weighting: LossWeighting) throws {
        let x0 = try normal([3, 2, 4, 4], seed: 1)
        let noise = try normal([3, 2, 4, 4], seed: 2)
        let batch = try schedule.noised(x0, at: [10, 400, 900], noise: noise)
        let guess = try x0 + normal([3, 2, 4, 4], seed: 3) * 0.1
        let outputs: [Prediction: Tensor] = [
            .sample: guess, .noise: try Prediction.sample.noise(guess, xt: batch.xt, batch.scales),
            .velocity: try Prediction.sample.velocity(guess, xt: batch.xt, batch.scales),
        ]
        let losses = try outputs.map { try DiffusionLoss($0, weighting: weighting)($1, batch).perExample }
        #expect(try difference(losses[1], losses[0]) < 1e-9)
        #expect(try difference(losses[2], losses[0]) < 1e-9)
        #expect(try losses[0].min().item() > 0)
    }

    /// A perfect prediction with v = −1 is the posterior itself: no divergence. With v = 1 it is N(·, β) for N(·, β̃).
    @Test func theDivergenceIsTheClosedForm() throws {
        let x0 = try normal([2, 3, 4, 4], seed: 1)
        let noise = try normal([2, 3, 4, 4], seed: 2)
        let batch = try schedule.noised(x0, at: [2, 700], noise: noise)
        let loss = DiffusionLoss(.noise, variance: .learnedRange)
        let bits = { (v: Double) in
            let range = try Tensor.full([2, 3, 4, 4], v, dtype: .float64)
            return try #require(try loss(.concatenate([noise, range], dim: 1), batch).variational).doubles()
        }
        #expect(try bits(-1).allSatisfy { abs($0) < 1e-9 })
        let expected = [2, 700].map { step in
            let ratio = schedule.posteriors[step].variance / schedule.posteriors[step].beta
            return 0.5 * (ratio - 1 - log(ratio)) / log(2)
        }
        #expect(agree(try bits(1), expected, relative: 1e-6))
    }

    /// At step 0 the 256 values of a pixel share a probability of 1.
    @Test func likelihoodsAddUpToOne() throws {
        let values = try Tensor((0..<256).map { Double($0) / 127.5 - 1 }, shape: [256, 1, 1, 1])
        // ε such that every x_t is the same 0.2, and a prediction that leaves the mean the same for all.
        let level = try schedule.level(timestep: 0)
        let noise = try (0.2 - values * level.alphaBar.squareRoot()) / (1 - level.alphaBar).squareRoot()
        let batch = try schedule.noised(values, at: Array(repeating: 0, count: 256), noise: noise)
        let output = try Tensor.zeros([256, 2, 1, 1], dtype: .float64)
        let terms = try DiffusionLoss(.noise, variance: .learnedRange)(output, batch)
        let bits = try #require(terms.variational).doubles()
        #expect(abs(bits.map { pow(2, -$0) }.reduce(0, +) - 1) < 1e-6)
    }

    @Test func learnedVarianceWantsWholeSteps() throws {
        let x = try normal([1, 1, 2, 2])
        let batch = try schedule.noised(x, at: [10.5], noise: x)
        let output = try normal([1, 2, 2, 2])
        #expect(throws: DiffusionError.self) { try DiffusionLoss(.noise, variance: .learnedRange)(output, batch) }
    }

    @Test func settingsSurviveCoding() throws {
        let loss = DiffusionLoss(.velocity, variance: .learnedRange, weighting: .minSNR(gamma: 3), variationalWeight: 2)
        #expect(try JSONDecoder().decode(DiffusionLoss.self, from: JSONEncoder().encode(loss)) == loss)
        let kind = NoiseSchedule.Kind.squaredCosine(offset: 0.01)
        #expect(try JSONDecoder().decode(NoiseSchedule.Kind.self, from: JSONEncoder().encode(kind)) == kind)
    }
}

/// d `value` / d `leaf`.
func gradients(of leaf: Tensor, _ value: (Tensor) throws -> Tensor) throws -> Tensor {
    let leaf = try leaf.clone()
    try leaf.setRequiresGrad(true)
    try value(leaf).backward()
    return try #require(leaf.gradient)
}
