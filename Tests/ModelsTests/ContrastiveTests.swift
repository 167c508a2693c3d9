import Foundation
import Layers
import Models
import Tensors
import Testing

/// Towers of pictures and texts in one space.
struct ContrastiveTests {
    static let convolutional = ContrastiveConfiguration.Picture.convolutional(
        widths: [16, 24], blocks: 1, layers: 1, heads: 2)
    static let transformer = ContrastiveConfiguration.Picture.transformer(patch: 4, width: 16, layers: 2, heads: 2)
    static let towers = [convolutional, transformer]

    static func configuration(_ picture: ContrastiveConfiguration.Picture, timesteps: Int? = nil) -> ContrastiveConfiguration {
        ContrastiveConfiguration(
            side: 16, timesteps: timesteps, picture: picture,
            text: TextTransformerConfiguration(vocabulary: 12, context: 6, width: 16, layers: 2, heads: 2), embedding: 20)
    }

    /// Random everywhere, also where training begins at zero.
    static func model(_ configuration: ContrastiveConfiguration, dtype: DType = .float32) throws -> ContrastiveModel {
        let generator = try RandomGenerator(seed: 3)
        let drawn = WeightStore(.initial(generator))
        _ = try ContrastiveModel(Weights(drawn), configuration: configuration)
        let random = try drawn.parameters.map { parameter in
            let noise = try Tensor.randn(parameter.value.shape, generator: generator) * 0.2
            return (name: parameter.name, value: try parameter.value + noise)
        }
        let store = WeightStore(.tensors(TensorDictionary(random)), dtype: dtype)
        let model = try ContrastiveModel(Weights(store), configuration: configuration)
        try store.finish()
        return model
    }

    static func pictures(_ count: Int = 3) throws -> Tensor {
        try Tensor.rand([count, 3, 16, 16], generator: RandomGenerator(seed: 8)) * 2 - 1
    }

    private func distance(_ a: Tensor, _ b: Tensor) throws -> Double { try (a - b).abs().max().item() }

    /// Token rows with their lengths.
    private func tokens(_ rows: [[Int]]) throws -> (tokens: Tensor, mask: Tensor) {
        let padded = rows.map { $0 + Array(repeating: 11, count: 6 - $0.count) }
        let mask = rows.map { row in (0..<6).map { $0 < row.count } }
        return (
            try Tensor(padded.flatMap { $0 }, shape: [rows.count, 6]),
            try Tensor(mask.flatMap { $0 }, shape: [rows.count, 6])
        )
    }

    @Test(arguments: towers) func embeddingsHaveLengthOne(tower: ContrastiveConfiguration.Picture) throws {
        let model = try Self.model(Self.configuration(tower))
        let pictures = try model.embeddings(ofPictures: Self.pictures())
        let (ids, mask) = try tokens([[1, 2], [], [3, 4, 5, 6, 7, 8]])
        let texts = try model.embeddings(ofTokens: ids, mask: mask)
        for embeddings in [pictures, texts] {
            #expect(embeddings.shape == [3, 20] && embeddings.dtype == .float32)
            #expect(try (embeddings.norm([1]) - 1).abs().max().item() < 1e-5)
        }
    }

    /// Neither other texts, nor what stands at padded places, nor how long the longest is.
    @Test func aTextIsReadByItself() throws {
        let model = try Self.model(Self.configuration(Self.convolutional))
        let rows = [[1, 2], [], [3, 4, 5, 6, 7, 8], [4]]
        let (ids, mask) = try tokens(rows)
        let together = try model.embeddings(ofTokens: ids, mask: mask)
        for (index, row) in rows.enumerated() {
            let (one, shown) = try tokens([row])
            let alone = try model.embeddings(ofTokens: one, mask: shown)
            #expect(try distance(alone, together.rows(index..<index + 1)) < 1e-6)
        }
        let zeros = try mask.to(.int64) * ids
        #expect(try distance(model.embeddings(ofTokens: zeros, mask: mask), together) < 1e-6)
        #expect(try distance(together.at(1), together.at(3)) > 1e-3)
        // Words in another order say something else.
        let (there, all) = try tokens([[1, 2, 3], [3, 2, 1]])
        let both = try model.embeddings(ofTokens: there, mask: all)
        #expect(try distance(both.at(0), both.at(1)) > 1e-3)
    }

    @Test(arguments: towers) func leftIsNotRight(tower: ContrastiveConfiguration.Picture) throws {
        let model = try Self.model(Self.configuration(tower))
        let pictures = try Self.pictures()
        let (own, mirrored) = (
            try model.embeddings(ofPictures: pictures), try model.embeddings(ofPictures: pictures.flip([3]))
        )
        #expect(try distance(own, mirrored) > 1e-3)
    }

    @Test(arguments: towers) func aNoisedTowerKnowsTheStep(tower: ContrastiveConfiguration.Picture) throws {
        let model = try Self.model(Self.configuration(tower, timesteps: 10))
        let pictures = try Self.pictures()
        func at(_ steps: [Int]) throws -> Tensor {
            try model.embeddings(ofPictures: pictures, timesteps: Tensor(steps))
        }
        let (first, last, mixed) = (try at([0, 0, 0]), try at([9, 9, 9]), try at([0, 9, 0]))
        for index in 0..<3 {
            #expect(try distance(first.at(index), last.at(index)) > 1e-3)
            #expect(try distance(mixed.at(index), (index == 1 ? last : first).at(index)) < 1e-6)
        }
        #expect(try distance(model.embeddings(ofPictures: pictures), first) == 0)
        for steps in [[0, 0], [0, 0, 10], [0, -1, 0]] {
            #expect(throws: TensorError.self) { try at(steps) }
        }
        #expect(throws: TensorError.self) {
            try Self.model(Self.configuration(tower)).embeddings(ofPictures: pictures, timesteps: Tensor([1, 1, 1]))
        }
    }

    /// Guidance follows this gradient; it is the likeness's numerical derivative.
    @Test(arguments: towers) func gradientsReachThePicture(tower: ContrastiveConfiguration.Picture) throws {
        let model = try Self.model(Self.configuration(tower, timesteps: 10))
        let (ids, mask) = try tokens([[1, 2]])
        let text = try withoutGradients { try model.embeddings(ofTokens: ids, mask: mask) }
        let steps = try Tensor([4])
        func likeness(_ picture: Tensor) throws -> Tensor {
            try (model.embeddings(ofPictures: picture, timesteps: steps) * text).sum()
        }
        let picture = try Self.pictures(1)
        let direction = try Tensor.randn(picture.shape, generator: RandomGenerator(seed: 4))
        let gradient = try withGradients {
            let x = try picture.clone()
            try x.setRequiresGrad(true)
            return try #require(try likeness(x).gradients(of: [x])[0])
        }
        let slope = try (gradient * direction).sum().item()
        let step = 1e-3
        let ahead = try withoutGradients { try likeness(picture + direction * step).item() }
        let behind = try withoutGradients { try likeness(picture - direction * step).item() }
        let measured = (ahead - behind) / (2 * step)
        #expect(abs(slope) > 1e-4)
        #expect(abs(measured - slope) < 0.03 * abs(slope) + 1e-4, "\(measured) for \(slope)")
    }

    @Test func theScaleBeginsAndEndsAsCLIPs() throws {
        let configuration = Self.configuration(Self.convolutional)
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
        let model = try ContrastiveModel(Weights(store), configuration: configuration)
        #expect(abs(try model.logitScale().item() - 1 / 0.07) < 1e-4)
        let scale = try #require(store.parameters.first { $0.name == ContrastiveModel.scaleName })
        try scale.value.fillInPlace(9)
        try scale.value.setRequiresGrad(true)
        // Above the highest one, too, there is a gradient to come down by.
        let gradient = try withGradients { try model.logitScale().gradients(of: [scale.value])[0] }
        #expect(abs(try #require(gradient).item() / exp(9) - 1) < 1e-5)
        try ContrastiveModel.boundScale(of: store.parameters)
        #expect(abs(try model.logitScale().item() - 100) < 1e-3)
        try scale.value.detach().fillInPlace(-1)
        try ContrastiveModel.boundScale(of: store.parameters)
        #expect(try scale.value.item() == -1)
    }

    @Test func halfPrecisionIsNear() throws {
        let pictures = try Self.pictures()
        for tower in Self.towers {
            let configuration = Self.configuration(tower, timesteps: 10)
            let whole = try Self.model(configuration).embeddings(ofPictures: pictures)
            let half = try Self.model(configuration, dtype: .bfloat16).embeddings(ofPictures: pictures)
            let worst = try distance(whole, half)
            #expect(worst > 0 && worst < 0.1, "\(worst)")
        }
    }

    @Test func whatCannotBeBuiltIsNamed() throws {
        let changes: [(String, (inout ContrastiveConfiguration) -> Void)] = [
            ("side", { $0.side = 0 }), ("18 pixels a side does not divide by 8", { $0.side = 18 }),
            ("steps of noise", { $0.timesteps = 0 }), ("embedding", { $0.embedding = -1 }),
            ("width of 12", { $0.picture = .convolutional(widths: [12], blocks: 1, layers: 1, heads: 2) }),
            ("widths", { $0.picture = .convolutional(widths: [], blocks: 1, layers: 1, heads: 2) }),
            ("blocks", { $0.picture = .convolutional(widths: [16], blocks: 65, layers: 1, heads: 2) }),
            ("3 heads", { $0.picture = .convolutional(widths: [16], blocks: 1, layers: 1, heads: 3) }),
            ("patches of 5", { $0.picture = .transformer(patch: 5, width: 16, layers: 1, heads: 2) }),
            ("layers", { $0.picture = .transformer(patch: 4, width: 16, layers: 0, heads: 2) }),
            ("text", { $0.text.heads = 5 }),
        ]
        for (words, change) in changes {
            var configuration = Self.configuration(Self.convolutional)
            change(&configuration)
            let error = try #require(throws: ConfigurationError.self, "\(words)") { try configuration.validate() }
            #expect(error.description.contains(words), "\(words) in \(error)")
        }
    }

    @Test func inputsThatDoNotFitAreRefused() throws {
        let model = try Self.model(Self.configuration(Self.convolutional))
        for shape in [[3, 16, 16], [0, 3, 16, 16], [1, 1, 16, 16], [1, 3, 16, 8]] {
            #expect(throws: TensorError.self) { try model.embeddings(ofPictures: .zeros(shape)) }
        }
        let (ids, mask) = try tokens([[1]])
        #expect(throws: TensorError.self) { try model.embeddings(ofTokens: ids + 1, mask: mask) }
        #expect(throws: TensorError.self) { try model.embeddings(ofTokens: ids, mask: mask.to(.int64)) }
        #expect(throws: TensorError.self) { try model.embeddings(ofTokens: ids, mask: mask.narrow(1, start: 0, length: 3)) }
    }

    /// By hand: two halvings of 16 pixels, a block of 8 channels at 4×4, one of 16 at 2×2, and the last layer.
    @Test func operationsAreCounted() {
        var configuration = Self.configuration(.convolutional(widths: [8, 16], blocks: 1, layers: 0, heads: 1))
        let stem = 2 * 64 * 9 * 3 * 4 + 2 * 16 * 9 * 4 * 8
        let blocks = 2 * (2 * 16 * 9 * 8 * 8) + 2 * 4 * 9 * 8 * 16 + 2 * (2 * 4 * 9 * 16 * 16)
        #expect(configuration.pictureOperations == Double(stem + blocks + 2 * 16 * 20))
        configuration.picture = .transformer(patch: 4, width: 16, layers: 1, heads: 1)
        let layer = 2 * 17 * 12 * 16 * 16 + 4 * 17 * 17 * 16
        #expect(configuration.pictureOperations == Double(2 * 16 * 48 * 16 + layer + 2 * 16 * 20))
        #expect(configuration.textOperations(tokens: 3) == Double(2 * (2 * 4 * 12 * 16 * 16 + 4 * 4 * 4 * 16) + 2 * 16 * 20))
    }
}
