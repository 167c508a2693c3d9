import Foundation
import Layers
import Models
import Tensors
import Testing

/// GLIDE's noised CLIP against glide-text2im (see Tests/Fixtures/text/README.md).
struct NoisedCLIPTests {
    static let image = NoisedCLIPTowerConfiguration(
        input: .image(side: 16, patch: 4, timesteps: 10), width: 128, layers: 1, heads: 2, embedding: 24)
    static let text = NoisedCLIPTowerConfiguration(
        input: .text(vocabulary: 64, context: 11), width: 64, layers: 2, heads: 2, embedding: 24)

    static func imageTower(dtype: DType = .float32) throws -> NoisedCLIPImageTower {
        let store = WeightStore(
            .tensors(PrefixedSource(try TextFixtures.open("noised"), prefix: "image.weights.")), dtype: dtype)
        let tower = try NoisedCLIPImageTower(Weights(store), configuration: image)
        try store.finish()
        return tower
    }

    static func textTower(dtype: DType = .float32) throws -> NoisedCLIPTextTower {
        let store = WeightStore(
            .tensors(PrefixedSource(try TextFixtures.open("noised"), prefix: "text.weights.")), dtype: dtype)
        let tower = try NoisedCLIPTextTower(Weights(store), configuration: text)
        try store.finish()
        return tower
    }

    @Test(arguments: [(DType.float32, 1e-5), (.bfloat16, 3e-2)])
    func agreesWithGLIDE(dtype: DType, bound: Double) throws {
        let golden = try TextFixtures.open("noised")
        let picture = try Self.imageTower(dtype: dtype)(
            golden.tensor("clip.image"), timesteps: golden.tensor("clip.timesteps"))
        let text = try Self.textTower(dtype: dtype)(golden.tensor("clip.tokens"))
        for (output, name) in [
            (picture, "raw.image"), (text, "raw.text"), (try noisedCLIPUnit(picture), "clip.image_embedding"),
            (try noisedCLIPUnit(text), "clip.text_embedding"),
        ] {
            let error = try relativeError(output, golden.tensor(name))
            print("noised CLIP \(name) \(dtype.rawValue): \(error)")
            #expect(error < bound)
        }
    }

    /// Guidance follows the gradient of the pictures' likeness to the text.
    @Test func gradientsReachThePicture() throws {
        let golden = try TextFixtures.open("noised")
        let x = try golden.tensor("clip.image").clone()
        let text = try withoutGradients { try noisedCLIPUnit(Self.textTower()(golden.tensor("clip.tokens"))) }
        let tower = try Self.imageTower()
        let gradient = try withGradients {
            try x.setRequiresGrad(true)
            let picture = try noisedCLIPUnit(tower(x, timesteps: golden.tensor("clip.timesteps")))
            let loss = try (text * picture).sum() * NoisedCLIPTowerConfiguration.publishedScale
            return try #require(try loss.gradients(of: [x])[0])
        }
        let error = try relativeError(gradient * 3, golden.tensor("gradient"))
        print("noised CLIP gradient: \(error)")
        #expect(error < 1e-4)
    }

    @Test func lengthsMayBeGiven() throws {
        let golden = try TextFixtures.open("noised")
        let tokens = try golden.tensor("clip.tokens")
        let lengths = try tokens.compare(.notEqual, 0).to(.int64).sum([1])
        let tower = try Self.textTower()
        #expect(try tower(tokens, lengths: lengths).floats() == tower(tokens).floats())
    }

    @Test func cleanPicturesHaveOneClassToken() throws {
        var configuration = Self.image
        configuration.input = .image(side: 16, patch: 4, timesteps: nil)
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
        let tower = try NoisedCLIPImageTower(Weights(store), configuration: configuration)
        let x = try Tensor.zeros([2, 3, 16, 16])
        #expect(try tower(x).shape == [2, 24])
        #expect(throws: TensorError.self) { try tower(x, timesteps: Tensor([1, 2])) }
    }

    @Test func whatDoesNotFitIsAnError() throws {
        let picture = try Self.imageTower()
        let x = try Tensor.zeros([2, 3, 16, 16])
        for steps in [try Tensor([0, 10]), try Tensor([-1, 0]), try Tensor([1]), nil] as [Tensor?] {
            #expect(throws: TensorError.self) { try picture(x, timesteps: steps) }
        }
        for x in [try Tensor.zeros([2, 3, 16, 12]), try .zeros([3, 16, 16]), try .zeros([0, 3, 16, 16])] {
            #expect(throws: TensorError.self) { try picture(x, timesteps: Tensor([1, 2])) }
        }
        let text = try Self.textTower()
        for tokens in [try Tensor([1]), try .zeros([1, 10], dtype: .int64), try .full([1, 11], 64, dtype: .int64)] {
            #expect(throws: TensorError.self) { try text(tokens) }
        }
        for input in [
            .image(side: 15, patch: 4, timesteps: 10), .image(side: 16, patch: 0, timesteps: 10),
            .text(vocabulary: 0, context: 1),
        ] as [NoisedCLIPTowerConfiguration.Input] {
            var configuration = Self.image
            configuration.input = input
            #expect(throws: ConfigurationError.self) { try configuration.validate() }
        }
        #expect(throws: ConfigurationError.self) {
            try NoisedCLIPImageTower(Weights(WeightStore(.initial(RandomGenerator(seed: 1)))), configuration: Self.text)
        }
    }
}
