import Foundation
import Layers
import Models
import Tensors
import Testing

/// The text fixtures, made by Tests/Fixtures/text/generate.py.
enum TextFixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/text").path

    static func open(_ name: String) throws -> TensorArchive { try .open("\(folder)/\(name).safetensors") }

    /// Weights under a prefix, without it and without what `text_model.` stands before.
    static func weights(_ archive: TensorArchive, _ prefix: String, dropping inner: String = "") throws -> TensorDictionary {
        try TensorDictionary(
            archive.names.filter { $0.hasPrefix(prefix) }.map { name in
                let rest = String(name.dropFirst(prefix.count))
                return (rest.hasPrefix(inner) ? String(rest.dropFirst(inner.count)) : rest, try archive.tensor(name))
            })
    }
}

struct CLIPTextTests {
    /// As `clip.safetensors` was made.
    static let openAI = CLIPTextConfiguration(
        vocabulary: 64, width: 32, expandedWidth: 80, layers: 3, heads: 4, projection: 24)
    static let plain = CLIPTextConfiguration(
        vocabulary: 64, width: 24, expandedWidth: 96, layers: 3, heads: 3, activation: .gelu, endToken: 60,
        epsilon: 1e-6)

    static func tower(
        _ name: String, _ configuration: CLIPTextConfiguration, dtype: DType = .float32
    ) throws -> CLIPTextTower {
        let weights = try TextFixtures.weights(
            TextFixtures.open("clip"), name + ".weights.", dropping: "text_model.")
        let store = WeightStore(.tensors(weights), dtype: dtype)
        let tower = try CLIPTextTower(Weights(store), configuration: configuration)
        try store.finish()
        return tower
    }

    /// The largest relative error over everything the tower gives.
    static func error(_ states: CLIPTextStates, _ name: String) throws -> Double {
        let golden = try TextFixtures.open("clip")
        var pairs = try states.hidden.enumerated().map { ($1, try golden.tensor("\(name).hidden.\($0)")) }
        pairs.append((states.last, try golden.tensor(name + ".last")))
        pairs.append((states.pooled, try golden.tensor(name + ".pooled")))
        if let projected = states.projected { pairs.append((projected, try golden.tensor(name + ".projected"))) }
        return try pairs.map { try relativeError($0, $1) }.max() ?? .infinity
    }

    @Test(arguments: [("openai", openAI), ("plain", plain)])
    func agreesWithTransformers(name: String, configuration: CLIPTextConfiguration) throws {
        let tokens = try TextFixtures.open("clip").tensor(name + ".input_ids")
        let states = try Self.tower(name, configuration)(tokens)
        #expect(states.hidden.count == 4)
        let error = try Self.error(states, name)
        print("CLIP text \(name): \(error)")
        #expect(error < 1e-5)
        #expect((states.projected != nil) == (configuration.projection != nil))

        let half = try Self.tower(name, configuration, dtype: .bfloat16)(tokens)
        let far = try Self.error(half, name)
        print("CLIP text \(name) bfloat16: \(far)")
        #expect(far < 3e-2 && far > 1e-5)
    }

    @Test func addedRowsAreLookedUpBehindTheTable() throws {
        let golden = try TextFixtures.open("clip")
        let rows = try golden.tensor("openai.inverted.rows")
        let tokens = try golden.tensor("openai.inverted.input_ids")
        let tower = try Self.tower("openai", Self.openAI)
        let error = try Self.error(tower(tokens, added: rows), "openai.inverted")
        #expect(error < 1e-5, "\(error)")
        // Without added tokens, the added table makes no difference.
        let plain = try golden.tensor("openai.input_ids")
        #expect(try tower(plain, added: rows).last.floats() == tower(plain).last.floats())
    }

    @Test func statesOfEachLayerCanBeChosen() throws {
        let golden = try TextFixtures.open("clip")
        let tower = try Self.tower("openai", Self.openAI)
        let states = try tower(golden.tensor("openai.input_ids"))
        #expect(try tower.states(.last, of: states).floats() == states.last.floats())
        #expect(
            try relativeError(tower.states(.penultimate, of: states), golden.tensor("openai.hidden.2")) < 1e-5)
        #expect(
            try relativeError(tower.states(.plain(skip: 3), of: states), golden.tensor("openai.hidden.0")) < 1e-5)
        let normed = try tower.normalised(golden.tensor("openai.hidden.1"))
        #expect(try relativeError(tower.states(.last.skipping(2), of: states), normed) < 1e-5)
        for choice in [CLIPStateChoice.plain(skip: 4), .normalised(skip: -1), .last.skipping(.max)] {
            #expect(throws: ConfigurationError.self) { try tower.states(choice, of: states) }
        }
    }

    @Test func shorterTextsAreRead() throws {
        let golden = try TextFixtures.open("clip")
        let tower = try Self.tower("openai", Self.openAI)
        // Row 0 is start, end, padding; causal, its first states do not depend on what follows.
        let tokens = try golden.tensor("openai.input_ids").rows(0..<1).narrow(1, start: 0, length: 2)
        let states = try tower(tokens)
        let expected = try golden.tensor("openai.last").rows(0..<1).narrow(1, start: 0, length: 2)
        #expect(try relativeError(states.last, expected) < 1e-5)
        #expect(try relativeError(states.pooled, golden.tensor("openai.pooled").rows(0..<1)) < 1e-5)
    }

    @Test func whatDoesNotFitIsAnError() throws {
        let tower = try Self.tower("openai", Self.openAI)
        let rows = try Tensor.zeros([2, 32])
        for (tokens, added) in [
            (try Tensor([1, 2, 3]), nil), (try .zeros([1, 78], dtype: .int64), nil), (try .zeros([1, 0], dtype: .int64), nil),
            (try .zeros([0, 4], dtype: .int64), nil), (try Tensor([64], shape: [1, 1]), nil),
            (try Tensor([-1], shape: [1, 1]), nil), (try Tensor([66], shape: [1, 1]), rows),
            (try Tensor([1], shape: [1, 1]), try .zeros([2, 31])), (try Tensor([1], shape: [1, 1]), try .zeros([32])),
            (try .zeros([1, 4]), nil),
        ] as [(Tensor, Tensor?)] {
            #expect(throws: TensorError.self) { try tower(tokens, added: added) }
        }
        for (path, value) in [
            (\CLIPTextConfiguration.width, 0), (\.width, 33), (\.layers, 0), (\.layers, 1000), (\.heads, 0),
            (\.vocabulary, -1), (\.context, .max), (\.expandedWidth, .max),
        ] as [(WritableKeyPath<CLIPTextConfiguration, Int>, Int)] {
            var configuration = Self.openAI
            configuration[keyPath: path] = value
            #expect(throws: ConfigurationError.self) {
                try CLIPTextTower(Weights(WeightStore(.initial(RandomGenerator(seed: 1)))), configuration: configuration)
            }
        }
        #expect(CLIPTextConfiguration(width: .max, layers: 1, heads: 1).expandedWidth != 0)
    }
}

struct BERTTextTests {
    static let configuration = BERTTextConfiguration(vocabulary: 64, width: 24, layers: 2)

    static func transformer(dtype: DType = .float32) throws -> BERTTextTransformer {
        let weights = try TextFixtures.weights(TextFixtures.open("bert"), "weights.")
        let store = WeightStore(.tensors(weights), dtype: dtype)
        store.ignore { $0.hasPrefix("to_logits.") }
        let transformer = try BERTTextTransformer(Weights(store), configuration: configuration)
        try store.finish()
        return transformer
    }

    @Test func agreesWithLatentDiffusion() throws {
        let golden = try TextFixtures.open("bert")
        let error = try relativeError(Self.transformer()(golden.tensor("tokens")), golden.tensor("output"))
        print("BERT text: \(error)")
        #expect(error < 1e-5)
        let far = try relativeError(Self.transformer(dtype: .bfloat16)(golden.tensor("tokens")), golden.tensor("output"))
        print("BERT text bfloat16: \(far)")
        #expect(far < 3e-2 && far > 1e-5)
    }

    @Test func whatDoesNotFitIsAnError() throws {
        let transformer = try Self.transformer()
        for tokens in [
            try Tensor([1]), try .zeros([1, 78], dtype: .int64), try Tensor([64], shape: [1, 1]),
            try Tensor([-1], shape: [1, 1]), try .zeros([0, 1], dtype: .int64),
        ] {
            #expect(throws: TensorError.self) { try transformer(tokens) }
        }
        var wrong = Self.configuration
        wrong.heads = 0
        #expect(throws: ConfigurationError.self) { try wrong.validate() }
    }
}
