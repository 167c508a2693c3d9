import Foundation
import Layers
import Tensors
import Testing

struct OptimizerTests {
    static let names = ["matrix", "vector", "still"]

    func parameters(_ file: TensorArchive) throws -> [(name: String, value: Tensor)] {
        try Self.names.map { name in
            let value = try file.tensor("initial.\(name)").clone()
            try value.setRequiresGrad(true)
            return (name, value)
        }
    }

    func options(_ plan: String, _ file: TensorArchive) throws -> (AdamW.Options, rate: Double) {
        struct Written: Decodable {
            let lr: Double, betas: [Double], eps: Double, weight_decay: Double
        }
        let written = try JSONDecoder().decode(Written.self, from: Data(#require(file.metadata[plan]).utf8))
        return (
            AdamW.Options(
                beta1: written.betas[0], beta2: written.betas[1], epsilon: written.eps,
                weightDecay: written.weight_decay), written.lr
        )
    }

    /// Element by element: relative to the element, or to 1 below it.
    func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
        let expected = try b.to(.float64)
        return try ((a.detach().to(.float64) - expected) / expected.abs().clamp(min: 1e-2)).abs().max().item()
    }

    @Test(arguments: ["plain", "decay", "large_eps"])
    func adamWAgreesWithPyTorch(plan: String) throws {
        let file = try golden("gradients/adamw")
        let parameters = try parameters(file)
        let (options, rate) = try options(plan, file)
        var optimizer = try AdamW(parameters, options: options)
        for step in 0..<5 {
            for (name, value) in parameters { try value.setGradient(file.tensor("gradient.\(step).\(name)").clone()) }
            try optimizer.step(rate: rate)
            let state = Dictionary(uniqueKeysWithValues: optimizer.state())
            for (name, value) in parameters {
                let at = "\(plan).\(step).\(name)"
                #expect(try difference(value, file.tensor(at)) < 1e-6, "\(at)")
                #expect(try difference(value, file.tensor(at + ".float64")) < 1e-5, "\(at)")
                for moment in ["exp_avg", "exp_avg_sq"] {
                    let found = try #require(state["\(moment).\(name)"])
                    #expect(try difference(found, file.tensor("\(at).\(moment)")) < 1e-5, "\(at).\(moment)")
                }
                #expect(try state["step.\(name)"]?.item() == Double(step + 1))
            }
            if step == 2 {
                // Taken up again from what a checkpoint would hold.
                let saved = try optimizer.state().map { ($0.name, try $0.value.clone()) }
                optimizer = try AdamW(parameters, options: options)
                try optimizer.restore(TensorDictionary(saved))
            }
        }
        optimizer.clearGradients()
        #expect(parameters.allSatisfy { $0.value.gradient == nil })
    }

    /// Each parameter moves as it does where all decay, or none.
    @Test func someDecayAndOthersDoNot() throws {
        let file = try golden("gradients/adamw")
        let (options, rate) = try options("decay", file)
        func moved(_ options: AdamW.Options, decays: (Tensor) -> Bool = { _ in true }) throws -> [[Float]] {
            let parameters = try self.parameters(file)
            let optimizer = try AdamW(parameters, options: options, decays: decays)
            for step in 0..<3 {
                for (name, value) in parameters {
                    try value.setGradient(file.tensor("gradient.\(step).\(name)").clone())
                }
                try optimizer.step(rate: rate)
            }
            return try parameters.map { try $0.value.floats() }
        }
        var undecayed = options
        undecayed.weightDecay = 0
        let (all, none) = (try moved(options), try moved(undecayed))
        let some = try moved(options) { $0.rank > 1 }
        #expect(some == [all[0], none[1], none[2]])
        for (index, name) in Self.names.enumerated() { #expect(all[index] != none[index], "\(name)") }
    }

    /// A convolution over a picture with channels innermost leaves its weight's gradient in that order of memory, too.
    @Test func gradientsInAnotherOrderOfMemory() throws {
        let drawn = try Tensor.randn([8, 6, 3, 3], generator: RandomGenerator(seed: 1))
        let picture = try Tensor.randn([2, 6, 9, 9], generator: RandomGenerator(seed: 2))
        let moved = try [picture, picture.channelsLast()].map { picture in
            let weight = try drawn.clone()
            try weight.setRequiresGrad(true)
            let loss = try picture.convolution(weight, padding: 1).square().sum()
            try weight.setGradient(#require(try loss.gradients(of: [weight])[0]))
            let optimizer = try AdamW([(name: "weight", value: weight)])
            for _ in 0..<3 { try optimizer.step(rate: 0.1) }
            return weight
        }
        #expect(try difference(moved[1], moved[0]) < 1e-5)
        #expect(try difference(moved[0], drawn) > 0.1)
    }

    /// Moments are row-major: those of a parameter that is not would be other elements' after a checkpoint.
    @Test func parametersInAnotherOrderOfMemoryAreRefused() throws {
        func step(_ drawn: Tensor) throws {
            let value = try drawn.clone()
            try value.setRequiresGrad(true)
            try value.setGradient(.ones(value.shape))
            try AdamW([(name: "weight", value: value)]).step(rate: 0.1)
        }
        let drawn = try Tensor.randn([8, 6, 3, 3], generator: RandomGenerator(seed: 1))
        try step(drawn)
        // Of single pixels there is one order, whatever the strides.
        try step(Tensor.ones([8, 1, 1, 6]).permute([0, 3, 1, 2]))
        let error = #expect(throws: TensorError.self) { try step(drawn.channelsLast()) }
        #expect(error?.message.contains("another order of memory") == true)
    }

    @Test func parametersWithoutGradientsStay() throws {
        let file = try golden("gradients/adamw")
        let parameters = try parameters(file)
        let optimizer = try AdamW(parameters)
        try optimizer.step(rate: 1)
        try parameters[1].value.setGradient(file.tensor("gradient.0.vector").clone())
        try optimizer.step(rate: 1)
        let state = Dictionary(uniqueKeysWithValues: optimizer.state())
        #expect(try parameters[0].value.floats() == file.tensor("initial.matrix").floats())
        #expect(try parameters[1].value.floats() != file.tensor("initial.vector").floats())
        #expect(try state["step.matrix"]?.item() == 0 && state["step.vector"]?.item() == 1)
        let error = try #require(throws: WeightError.self) { try optimizer.restore(TensorDictionary([])) }
        #expect(error.mistakes.count == 9)
    }

    /// With constant values, n updates leave Π dᵢ of the first difference, dᵢ = min(d, (1 + i) / (10 + i)).
    @Test func movingAverage() throws {
        let value = try Tensor([1.0, -2.0]).to(.float32)
        let average = try EMA([("x", value)], decay: 0.3)
        try value.fillInPlace(5)
        var share = 1.0
        for step in 0..<10 {
            try average.update(step: step)
            share *= min(0.3, Double(1 + step) / Double(10 + step))
            let found = try average.averages[0].value.doubles()
            let expected = [5 + share * (1 - 5), 5 + share * (-2 - 5)]
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(step)")
        }
        #expect(average.averages[0].name == "x")
        #expect(try value.floats() == [5, 5])
    }

    @Test func learningRates() {
        let cosine = LearningRate(peak: 2, warmup: 4, decay: .cosine, floor: 0.1)
        let linear = LearningRate(peak: 2, warmup: 4, decay: .linear, floor: 0.1)
        let constant = LearningRate(peak: 2, warmup: 4)
        for (step, expected) in [(0, 0.5), (1, 1), (3, 2)] {
            for rate in [cosine, linear, constant] { #expect(rate.at(step, of: 12) == expected) }
        }
        for (step, round, straight) in [(4, 2.0, 2.0), (6, 1.7363961031, 1.55), (8, 1.1, 1.1), (12, 0.2, 0.2), (100, 0.2, 0.2)] {
            #expect(abs(cosine.at(step, of: 12) - round) < 1e-9, "\(step)")
            #expect(abs(linear.at(step, of: 12) - straight) < 1e-9, "\(step)")
            #expect(constant.at(step, of: 12) == 2)
        }
        #expect(LearningRate(peak: 1, decay: .linear).at(0, of: 0) == 0)
        #expect(LearningRate(peak: 1).at(0, of: 0) == 1)
    }

    @Test(arguments: ["0.5", "2.0", "1000.0"])
    func clippingAgreesWithPyTorch(maximum: String) throws {
        let file = try golden("layers/layers")
        let parameters = try (0..<3).map { index in
            let gradient = try file.tensor("clip.gradient.\(index)").clone()
            let value = try Tensor.zeros(gradient.shape)
            try value.setRequiresGrad(true)
            try value.setGradient(gradient)
            return ("\(index)", value)
        }
        let norm = try clipGradients(of: parameters, maximum: Double(maximum))
        #expect(try abs(norm / file.tensor("clip.norm").item() - 1) < 1e-6)
        for (name, value) in parameters {
            let gradient = try #require(value.gradient)
            #expect(try relativeError(gradient, file.tensor("clip.\(maximum).\(name)")) < 1e-6)
        }
    }

    @Test func gradientsThatAreNotFiniteAreLeft() throws {
        let value = try Tensor.zeros([2])
        try value.setRequiresGrad(true)
        try value.setGradient(Tensor([Float.infinity, 3]))
        #expect(try !clipGradients(of: [("x", value)], maximum: 1).isFinite)
        #expect(try value.gradient?.floats() == [.infinity, 3])
        #expect(try clipGradients(of: [], maximum: 1) == 0)
        value.clearGradient()
        #expect(try clipGradients(of: [("x", value)], maximum: 1) == 0)
    }
}
