import Diffusion
import Tensors
import Testing

@Suite struct PredictionTests {
    let schedule: NoiseSchedule
    let x0: Tensor
    let noise: Tensor

    init() throws {
        schedule = try NoiseSchedule(.squaredCosine())
        x0 = try normal([4, 3, 5, 5], seed: 1)
        noise = try normal([4, 3, 5, 5], seed: 2)
    }

    @Test(arguments: Prediction.allCases) func everyPredictionLeadsToEveryOther(prediction: Prediction) throws {
        let batch = try schedule.noised(x0, at: [0, 100.5, 500, 990], noise: noise)
        let output = try prediction.target(x0: x0, noise: noise, batch.scales)
        let velocity = try Prediction.velocity.target(x0: x0, noise: noise, batch.scales)
        // At step 990 little is left of x₀, and what is left comes back with as many digits fewer.
        #expect(try difference(prediction.sample(output, xt: batch.xt, batch.scales), x0) < 1e-11)
        #expect(try difference(prediction.noise(output, xt: batch.xt, batch.scales), noise) < 1e-11)
        #expect(try difference(prediction.velocity(output, xt: batch.xt, batch.scales), velocity) < 1e-11)
    }

    @Test func velocityIsTheDerivativeOfTheAngle() throws {
        // x_t = cos φ · x₀ + sin φ · ε, so v = dx_t/dφ.
        let level = try schedule.level(timestep: 300)
        let scales = Scales(level)
        let velocity = try Prediction.velocity.target(x0: x0, noise: noise, scales)
        let sine = (1 - level.alphaBar).squareRoot()
        let expected = try noise * level.alphaBar.squareRoot() - x0 * sine
        #expect(try difference(velocity, expected) < 1e-14)
    }

    @Test func oneLevelForAllEqualsOneLevelEach() throws {
        let level = try schedule.level(timestep: 421)
        let each = try Scales(Array(repeating: level, count: 4), like: x0)
        #expect(try difference(each.noised(x0, noise), Scales(level).noised(x0, noise)) < 1e-15)
    }

    @Test func noisedPicturesKeepDeviationOne() throws {
        let large = try normal([2, 3, 100, 100], seed: 3)
        let noise = try normal([2, 3, 100, 100], seed: 4)
        for time in [0.0, 250.5, 999] {
            let xt = try schedule.noised(large, at: [time, time], noise: noise).xt
            #expect(try abs(xt.variance().item() - 1) < 0.03)
        }
    }

    @Test func wrongShapesAreRefused() throws {
        #expect(throws: DiffusionError.self) { try schedule.noised(x0, at: [1.0], noise: noise) }
        #expect(throws: DiffusionError.self) { try schedule.noised(x0, at: [0, 1, 2, 1000], noise: noise) }
        #expect(throws: DiffusionError.self) { try schedule.noised(x0, at: [0, 1, 2, 3], noise: noise.at(0)) }
        #expect(throws: DiffusionError.self) { try Variance.learnedRange.split(x0, like: x0) }
        #expect(throws: DiffusionError.self) { try Variance.fixedSmall.split(x0.at(0), like: x0.at(0).at(0).at(0)) }
    }

    @Test(arguments: TimeDraw.allCases) func timesCoverTheSchedule(draw: TimeDraw) throws {
        let generator = try RandomGenerator(seed: 5)
        let times = try draw.times(2000, of: schedule, generator: generator)
        #expect(times.count == 2000)
        #expect(times.allSatisfy { (0...999).contains($0) })
        for quarter in 0..<4 {
            let range = Double(quarter) * 249.75..<Double(quarter + 1) * 249.75
            #expect(abs(times.filter { range.contains($0) }.count - 500) < (draw == .stratified ? 3 : 90))
        }
        #expect((draw == .uniform) == times.allSatisfy { $0 == $0.rounded() })
        let again = try draw.times(2000, of: schedule, generator: RandomGenerator(seed: 5))
        #expect(times == again)
    }
}
