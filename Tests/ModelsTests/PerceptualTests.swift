import Layers
import Models
import Tensors
import Testing

/// Distances by what networks see in pictures.
struct PerceptualTests {
    private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try Tensor.rand(shape, generator: RandomGenerator(seed: seed)) * 2 - 1
    }

    /// The gradient by the second picture is the derivative in whatever direction.
    ///
    /// - Parameter tolerance: in lengths of the gradient.
    private func expectDerivative(
        of distance: PerceptualDistance, from other: Tensor, at picture: Tensor, step: Double, tolerance: Double
    ) throws {
        let gradient = try withGradients {
            let x = try picture.clone()
            try x.setRequiresGrad(true)
            return try #require(try distance(other, x).sum().gradients(of: [x])[0])
        }
        let length = try gradient.norm().item()
        #expect(length > 1e-4)
        for seed in UInt64(4)..<8 {
            let direction = try Tensor.randn(picture.shape, generator: RandomGenerator(seed: seed)).to(picture.dtype)
            func value(_ way: Double) throws -> Double {
                try withoutGradients { try distance(other, picture + direction * way).sum().item() }
            }
            let measured = try (value(step) - value(-step)) / (2 * step)
            let slope = try (gradient * direction).sum().item()
            #expect(abs(measured - slope) < tolerance * length, "\(measured) for \(slope)")
        }
    }

    @Test func theGradientIsTheDerivative() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)), dtype: .float64)
        let distance = PerceptualDistance(try VGG16(Weights(store), widths: [4, 4, 8, 8, 8]))
        try expectDerivative(
            of: distance, from: random([1, 3, 20, 17], seed: 2).to(.float64),
            at: random([1, 3, 20, 17], seed: 3).to(.float64), step: 1e-6, tolerance: 1e-4)
    }

    /// Normalisations are computed in float32.
    @Test(arguments: ContrastiveTests.towers, [nil, 10] as [Int?])
    func aCLIPsGradientIsTheDerivative(tower: ContrastiveConfiguration.Picture, timesteps: Int?) throws {
        let model = try ContrastiveTests.model(ContrastiveTests.configuration(tower, timesteps: timesteps))
        try expectDerivative(
            of: PerceptualDistance(model), from: random([1, 3, 24, 20], seed: 2), at: random([1, 3, 24, 20], seed: 3),
            step: 3e-3, tolerance: 0.03)
    }

    @Test(arguments: ContrastiveTests.towers, [nil, 10] as [Int?])
    func aCLIPTellsPicturesApart(tower: ContrastiveConfiguration.Picture, timesteps: Int?) throws {
        let distance = PerceptualDistance(
            try ContrastiveTests.model(ContrastiveTests.configuration(tower, timesteps: timesteps)))
        let (pictures, others) = (try random([2, 3, 20, 24], seed: 2), try random([2, 3, 20, 24], seed: 3))
        #expect(try distance(pictures, pictures).doubles() == [0, 0])
        let near = try distance(pictures, pictures + (others - pictures) * 0.05).doubles()
        let far = try distance(pictures, others).doubles()
        #expect(zip(near, far).allSatisfy { 0 < $0 && $0 < $1 }, "\(near), \(far)")
    }

    /// Convolutions see pictures as they are; a transformer has its own side.
    @Test(arguments: [(16, 16, [4, 4], [2, 2]), (24, 40, [6, 10], [3, 5]), (17, 5, [5, 2], [3, 1])])
    func mapsHaveThePicturesSize(height: Int, width: Int, first: [Int], second: [Int]) throws {
        let pictures = try random([2, 3, height, width], seed: 2)
        let convolutional = try ContrastiveTests.model(ContrastiveTests.configuration(ContrastiveTests.convolutional))
        #expect(try convolutional.features(of: pictures).map(\.shape) == [[2, 16] + first, [2, 24] + second])
        let transformer = try ContrastiveTests.model(ContrastiveTests.configuration(ContrastiveTests.transformer))
        #expect(try transformer.features(of: pictures).map(\.shape) == [[2, 16, 4, 4], [2, 16, 4, 4]])
    }

    @Test(arguments: ContrastiveTests.towers)
    func whatIsNoPictureIsRefused(tower: ContrastiveConfiguration.Picture) throws {
        let model = try ContrastiveTests.model(ContrastiveTests.configuration(tower))
        for shape in [[3, 16, 16], [0, 3, 16, 16], [1, 1, 16, 16], [1, 3, 0, 16]] {
            #expect(throws: TensorError.self) { try model.features(of: .zeros(shape)) }
        }
    }

    /// Of the rows that say how noisy a picture is, the first alone is read.
    @Test func aNoisedTowerIsToldStepZero() throws {
        let configuration = ContrastiveTests.configuration(ContrastiveTests.transformer, timesteps: 10)
        let store = WeightStore(.initial(try RandomGenerator(seed: 3)))
        _ = try ContrastiveModel(Weights(store), configuration: configuration)
        let pictures = try random([1, 3, 16, 16], seed: 2)
        func features(negating row: Int?) throws -> Tensor {
            let signs: [Float] = (0..<10).map { $0 == row ? -1 : 1 }
            let column = try Tensor(signs, shape: [10, 1])
            let changed = try store.parameters.map { parameter -> (name: String, value: Tensor) in
                guard parameter.name == "picture.blocks.input.w_t" else { return parameter }
                return (parameter.name, try parameter.value * column)
            }
            let own = WeightStore(.tensors(TensorDictionary(changed)))
            return try ContrastiveModel(Weights(own), configuration: configuration).features(of: pictures)[1]
        }
        let plain = try features(negating: nil)
        #expect(try (features(negating: 5) - plain).abs().max().item() == 0)
        #expect(try (features(negating: 0) - plain).abs().max().item() > 1e-5)
    }
}
