import Checkpoints
import Datasets
import Diffusion
import Layers
import Models
import Tensors
import Testing
import Training

@Suite struct StepTests {
    @Test func oneBatchIsLearnedByHeart() throws {
        var configuration = small(steps: 800)
        configuration.network.dropout = 0
        configuration.captionDropout = 0
        configuration.loss.weighting = .uniform
        configuration.rate = LearningRate(peak: 3e-3, warmup: 5, decay: .cosine, floor: 0.05)
        let trainer = try trainer(configuration)
        let batch = try batches(configuration).batch(step: 0)
        var losses: [Double] = []
        func recent() -> Double { losses.suffix(10).reduce(0, +) / 10 }
        while losses.count < configuration.steps, losses.count < 10 || recent() >= 0.01 {
            losses.append(try trainer.advance(with: batch).loss)
        }
        #expect(losses[0] > 0.3)
        #expect(recent() < 0.01)
    }

    /// The number of threads changes nothing; the number of parts only the order of sums.
    @Test func gradientsDoNotDependOnThreads() throws {
        var configuration = small()
        configuration.network.dropout = 0
        let batch = try batches(configuration).batch(step: 0)
        func gradients(_ workers: Int, parts: Int) throws -> [Tensor?] {
            configuration.parts = parts
            return try trainer(configuration, workers: workers).gradients(of: batch).averaged()
        }
        let (one, two, whole) = (try gradients(1, parts: 4), try gradients(2, parts: 4), try gradients(1, parts: 1))
        #expect(one.compactMap { $0 }.count > 50)
        var worst = 0.0
        for ((a, b), c) in zip(zip(one, two), whole) {
            guard let a, let b, let c else { continue }
            #expect(try a.floats() == b.floats())
            let size = try c.square().sum().item().squareRoot()
            // Where the exact gradient is zero there is nothing but rounding.
            if size > 1e-5 { worst = max(worst, try relativeError(a, c)) }
        }
        #expect(worst < 1e-4)
    }

    @Test func aStepIsAFunctionOfTheSeed() throws {
        var configuration = small()
        let batch = try batches(configuration).batch(step: 0)
        func weights() throws -> [Float] {
            let trainer = try trainer(configuration)
            for _ in 0..<3 { _ = try trainer.advance(with: batch) }
            return try trainer.state.flatMap { try $0.value.to(.float32).floats() }
        }
        let first = try weights()
        #expect(try weights() == first)
        configuration.seed = 1
        #expect(try weights() != first)
    }

    /// Of a diffusion model, gains and biases too.
    @Test func everyWeightDecays() throws {
        func gain(decay: Double) throws -> [Float] {
            var configuration = small()
            configuration.optimizer.weightDecay = decay
            let trainer = try trainer(configuration)
            _ = try trainer.advance(with: batches(configuration).batch(step: 0))
            return try #require(trainer.parameters.first { $0.name == "out.0.weight" }).value.floats()
        }
        let (kept, decayed) = (try gain(decay: 0), try gain(decay: 1))
        #expect(zip(kept, decayed).allSatisfy { $0 > $1 })
    }

    /// A model that names the noise could not begin to draw where there is nothing else.
    @Test func noiseAloneIsNotNamed() throws {
        var configuration = small()
        configuration.diffusion.zeroTerminalSNR = true
        configuration.diffusion.prediction = .noise
        let error = try #require(throws: TrainingError.self) { try configuration.validate() }
        #expect(error.description.contains("zeroTerminalSNR"))
        configuration.diffusion.prediction = .velocity
        try configuration.validate()
    }

    @Test func numbersThatAreNoneChangeNothing() throws {
        let configuration = small()
        let trainer = try trainer(configuration)
        let batch = try batches(configuration).batch(step: 0)
        _ = try trainer.advance(with: batch)
        let before = try trainer.state.map { try $0.value.to(.float32).floats() }
        let bias = try #require(trainer.parameters.first { $0.name == "out.2.bias" }).value
        let good = try bias.detach().clone()
        try withoutGradients { try bias.fillInPlace(.nan) }
        #expect(try !trainer.advance(with: batch).isApplied)
        try withoutGradients { try bias.copyInPlace(good) }
        #expect(try trainer.state.map { try $0.value.to(.float32).floats() } == before)
        #expect(try trainer.advance(with: batch).isApplied)
    }

    /// In a process of its own: other tests' memory and tensors would be counted too.
    @Test func twoHundredStepsLeaveNothingBehind() async {
        await #expect(processExitsWith: .success) {
            let configuration = small(steps: 220)
            let trainer = try trainer(configuration)
            let batch = try batches(configuration).batch(step: 0)
            for _ in 0..<20 { _ = try trainer.advance(with: batch) }
            let (resident, handles) = (residentMemory(), Engine.liveTensors)
            for _ in 0..<200 { _ = try trainer.advance(with: batch) }
            #expect(trainer.parameters.allSatisfy { $0.value.gradient == nil })
            #expect(Engine.liveTensors == handles)
            if let resident, let after = residentMemory() { #expect(after - resident < 16 << 20) }
        }
    }

    @Test func errorsOfAWorkerReachTheCaller() throws {
        struct Wrong: Error, Equatable { let job: Int }
        let group = WorkerGroup(count: 3)
        #expect(throws: Wrong(job: 2)) {
            try group.run(8) { job -> Int in
                if job == 2 || job == 5 { throw Wrong(job: job) }
                return job
            }
        }
        #expect(try group.run(8) { $0 * $0 } == [0, 1, 4, 9, 16, 25, 36, 49])
        #expect(try group.run(0) { $0 } == [])
    }
}
