import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing
import Tokenizers

struct PromptEncoderTests {
    /// A tower of random weights for the standard vocabulary: two layers, 16 wide.
    static func tower(projection: Int? = 8) throws -> CLIPTextTower {
        let store = WeightStore(.initial(try RandomGenerator(seed: 5)))
        return try CLIPTextTower(
            Weights(store), configuration: CLIPTextConfiguration(width: 16, layers: 2, heads: 2, projection: projection))
    }

    static func encoder(_ choice: CLIPStateChoice = .last) throws -> CLIPPromptEncoder {
        try CLIPPromptEncoder(
            tower(), tokenizer: CLIPTokenizer(cleaning: .transformers, padding: .endToken), choice: choice)
    }

    @Test(arguments: [CLIPStateChoice.last, .penultimate])
    func plainPromptsAreTheTowersOwnStates(choice: CLIPStateChoice) throws {
        let encoder = try Self.encoder(choice)
        let prompts = ["a house next to a lake", "(a) [b] " + String(repeating: "boat ", count: 90)]
        let encoded = try encoder(prompts, reading: .plain)
        let tokens = try Tensor(prompts.flatMap { encoder.tokenizer.padded($0).ids }, shape: [2, 77])
        let said = try encoder.tower(tokens)
        #expect(try encoded.states.floats() == encoder.tower.states(choice, of: said).floats())
        #expect(try encoded.pooled.floats() == said.pooled.floats())
        #expect(try encoded.projected?.floats() == said.projected?.floats())
        #expect(encoded.cut[0] == 0 && encoded.cut[1] == 21)
        // A short prompt without brackets is read alike in both ways, to the bit.
        #expect(try encoder([prompts[0]]).states.floats() == encoder([prompts[0]], reading: .plain).states.floats())
    }

    @Test func weightsMultiplyStatesAndKeepTheMean() throws {
        let encoder = try Self.encoder()
        let encoded = try encoder(["a (red:1.5) boat", "a red boat"])
        let plain = try encoder(["a red boat"], reading: .plain).states.at(0)  // [77, 16]
        var factors = [Double](repeating: 1, count: 77)
        factors[2] = 1.5
        let heavy = try plain * Tensor(factors, shape: [77, 1]).to(.float32)
        let expected = try heavy * (plain.mean().item() / heavy.mean().item())
        #expect(try TextFixtures.error(encoded.states.at(0), expected) < 1e-6)
        #expect(try abs(encoded.states.at(0).mean().item() - plain.mean().item()) < 1e-6)
        // The other prompt stays as it is.
        #expect(try encoded.states.at(1).floats() == plain.floats())
        // And so does what is pooled.
        #expect(try encoded.pooled.at(0).floats() == encoded.pooled.at(1).floats())
        let zero = try encoder(["(a red boat:0)"]).states
        #expect(try zero.isFinite().to(.float32).min().item() == 1)
    }

    @Test func longPromptsAndTheirNegativesHaveAsManyChunks() throws {
        let encoder = try Self.encoder()
        let both = try encoder(["a boat BREAK a (lake:1.2)", "ugly"])
        #expect(both.states.shape == [2, 154, 16] && both.pooled.shape == [2, 16])
        let first = try encoder(["a boat"], reading: .plain)
        #expect(try TextFixtures.error(both.states.at(0).rows(0..<77), first.states.at(0)) < 1e-5)
        #expect(try TextFixtures.error(both.pooled.at(0), first.pooled.at(0)) < 1e-5)
        let empty = try encoder([""], reading: .plain).states.at(0)
        #expect(try TextFixtures.error(both.states.at(1).rows(77..<154), empty) < 1e-5)
        // Apart, with the number of chunks given, it is the same.
        let apart = try encoder(["ugly"], chunks: 2)
        #expect(try TextFixtures.error(apart.states.at(0), both.states.at(1)) < 1e-5)
        #expect(throws: TensorError.self) { try encoder([]) }
        #expect(throws: ConfigurationError.self) { try encoder(["a"], skip: 3) }
    }
}

struct TextualInversionTests {
    static let folder = TextFixtures.folder + "/inversions/"

    static func rows() throws -> Tensor { try TextFixtures.open("clip").tensor("openai.inverted.rows") }

    @Test(arguments: [
        ("web-ui.pt", ["web-ui"], 3), ("parameters.pt", ["parameters"], 3),
        ("learned_embeds.bin", ["<cat-toy>", "learned_embeds"], 1),
        ("diffusers.safetensors", ["<dog-toy>", "diffusers"], 2), ("emb-params.safetensors", ["emb-params"], 3),
    ])
    func everyFormIsRead(file: String, words: [String], count: Int) throws {
        let inversion = try TextualInversion(path: Self.folder + file)
        #expect(inversion.entries.count == 1 && inversion.entries[0].words == words)
        let added = try #require(try AddedTokens([inversion], vocabulary: 64, width: 32))
        #expect(try added.rows.floats() == Self.rows().rows(0..<count).floats())
        #expect(added.words == words.map { AddedWord(word: $0, ids: Array(64..<64 + count)) })
        let named = try TextualInversion(path: Self.folder + file, word: "moonish")
        #expect(named.entries[0].words == ["moonish"])
        let error = #expect(throws: CheckpointError.self) { try AddedTokens([inversion], vocabulary: 64, width: 31) }
        #expect(error?.file == Self.folder + file)
    }

    @Test func eachOfXLsTowersHasItsOwn() throws {
        let inversion = try TextualInversion(path: Self.folder + "xl.safetensors")
        let first = try #require(try AddedTokens([inversion], vocabulary: 64, width: 32, tower: 0, of: 2))
        let second = try #require(try AddedTokens([inversion], vocabulary: 64, width: 32, tower: 1, of: 2))
        #expect(try first.rows.floats() == Self.rows().floats())
        #expect(try second.rows.floats() == Self.rows().flip([0]).floats())
        #expect(first.words == second.words && first.words[0].word == "xl")
        #expect(try AddedTokens([], vocabulary: 64, width: 32) == nil)
        // Several files stand one behind the other.
        let other = try TextualInversion(path: Self.folder + "learned_embeds.bin")
        let both = try #require(try AddedTokens([inversion, other], vocabulary: 64, width: 32))
        #expect(both.rows.shape == [4, 32] && both.words.last?.ids == [67])
    }

    /// A prompt with the word gives what transformers gives with a longer table.
    @Test func wordsAreEncoded() throws {
        let archive = try TextFixtures.open("clip")
        let file = try TextFixtures.renamed(archive, "openai.weights.") { $0 }
        let tower = try #require(
            try CLIPTextLayout(file, configuration: TextFixtures.configuration("openai"))
        ).load()
        let added = try AddedTokens(
            [TextualInversion(path: Self.folder + "web-ui.pt", word: "moonish")], vocabulary: 64, width: 32)
        let encoder = CLIPPromptEncoder(
            tower, tokenizer: try CLIPTokenizer(cleaning: .transformers), inversions: added)
        let ids = try archive.tensor("openai.inverted.input_ids").ints()
        let prompt = ChunkedPrompt(
            chunks: [PromptChunk(tokens: Array(ids[77..<154]), weights: [Double](repeating: 1, count: 77))], cut: 0)
        let states = try encoder.encode([prompt]).states
        #expect(try TextFixtures.error(states, archive.tensor("openai.inverted.last").rows(1..<2)) < 1e-5)
        #expect(encoder.chunker(.plain).chunks(of: "a Moonish").chunks[0].tokens[2...4] == [64, 65, 66])
    }

    @Test func whatIsNoInversionIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x.safetensors"
        let rows = try Tensor.ones([2, 8])
        for tensors in [
            [("clip_l", rows), ("clip_g", try .ones([3, 8]))], [("clip_l", rows), ("other", rows)],
            [("a", try .ones([76, 8]))], [("a", try .ones([0, 8]))], [("a", try .ones([2, 2, 8]))],
            [("a", try Tensor([1, 2]))], [("a", try rows * .nan)], [],
        ] as [[(String, Tensor)]] {
            try Safetensors.write(tensors.map { (name: $0.0, value: $0.1) }, to: path)
            let error = #expect(throws: CheckpointError.self) { try TextualInversion(path: path) }
            #expect(error?.file == path)
        }
        try Safetensors.write([(name: "a", value: rows), (name: "b", value: rows)], to: path)
        #expect(try TextualInversion(path: path).entries.map(\.words) == [["a"], ["b"]])
        #expect(throws: CheckpointError.self) { try TextualInversion(path: path, word: "c") }
        #expect(throws: TensorFileError.self) { try TextualInversion(path: folder.path + "/none.pt") }
        withExtendedLifetime(folder) {}
    }
}

struct GoldenTowerTests {
    @Test func textTowersAnswer() throws {
        let archive = try TextFixtures.open("clip")
        let file = try TextFixtures.renamed(archive, "openai.weights.") { $0 }
        let tower = try #require(
            try CLIPTextLayout(file, configuration: TextFixtures.configuration("openai"))
        ).load()
        let folder = try TemporaryFolder()
        let path = folder.path + "/golden.safetensors"
        for (choice, name) in [(CLIPStateChoice.last, "openai.last"), (.penultimate, "openai.hidden.2")] {
            try Safetensors.write(
                [
                    (name: "text_encoder_2.input_ids", value: try archive.tensor("openai.input_ids").to(.int32)),
                    (name: "text_encoder_2.last_hidden_state", value: try archive.tensor(name)),
                    (name: "text_encoder_2.pooled", value: try archive.tensor("openai.projected")),
                ], to: path)
            let encoder = CLIPPromptEncoder(
                tower, tokenizer: try CLIPTokenizer(cleaning: .transformers), choice: choice)
            let golden = try TensorArchive.open(path)
            let found = try GoldenTowers.compare(encoder, with: golden, prefix: "text_encoder_2.")
            #expect(found.count == 2 && found.allSatisfy { $0.relativeL2 < 1e-5 }, "\(found)")
            #expect(try GoldenTowers.compare(encoder, with: golden).isEmpty)
        }
        withExtendedLifetime(folder) {}
    }

    /// An expected output without what it is to be computed from is no agreement.
    @Test func aMissingInputIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/golden.safetensors"
        try Safetensors.write(
            [
                (name: "text_encoder.pooled", value: .zeros([1, 8])), (name: "clip.image_embedding", value: .zeros([1, 24])),
                (name: "clip.text_embedding", value: .zeros([1, 24])),
            ], to: path)
        let golden = try TensorArchive.open(path)
        let encoder = try PromptEncoderTests.encoder()
        let noised = try TextFixtures.open("noised")
        let picture = try #require(try NoisedCLIPFile(TextFixtures.renamed(noised, "image.weights.") { $0 })).imageTower()
        let text = try #require(
            try NoisedCLIPFile(TextFixtures.renamed(noised, "text.weights.") { $0 }, heads: 2)
        ).textTower()
        let comparisons: [(input: String, compare: () throws -> [Comparison])] = [
            ("text_encoder.input_ids", { try GoldenTowers.compare(encoder, with: golden) }),
            ("clip.image", { try GoldenTowers.compare(picture, device: .cpu, with: golden) }),
            ("clip.tokens", { try GoldenTowers.compare(text, device: .cpu, with: golden) }),
        ]
        for (input, compare) in comparisons {
            let error = try #require(throws: TensorFileError.self) { try compare() }
            #expect(error.kind == .missing && error.tensor == input)
        }
        // Latent diffusion's transformer has no pooled state.
        let run = try GoldenRun(path, model: PublishedModelTests.folder + "/ldm")
        #expect(run.parts == [.textEncoder])
        let error = try #require(throws: CheckpointError.self) { try run.verify(.textEncoder) }
        #expect(error.file == path && error.description.contains("text_encoder"))
    }
}
