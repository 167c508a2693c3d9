import Checkpoints
import Diffusion
import Foundation
import Images
import Models
import Moonlit
import Tensors
import Testing
import Tokenizers

/// Which word made which part.
@Suite struct ExplanationTests {
    private static let pipelines = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines").path

    /// Against DAAM (Fixtures/pipelines/heat.py).
    @Test(arguments: [("sd1", 60 as UInt64), ("xl", 61)]) func heatIsThatOfDAAM(name: String, seed: UInt64) throws {
        let archive = try TensorArchive.open(Self.pipelines + "/heat.safetensors")
        let expected = try archive.tensor(name)  // [L, 8, 8]
        let prompt = try #require(archive.metadata["prompt"])
        let model = try PublishedModel("\(Self.pipelines)/\(name)").load()
        let record = AttentionRecord()
        let side = expected.shape[2]
        let pixels = side * model.drawing.latentFactor
        var asked = DrawingRequest(prompts: [prompt], negativePrompts: [""], height: pixels, width: pixels)
        asked.attention = record
        let scale = try #require(archive.metadata["guidance_scale"].flatMap { Double($0) })
        let steps = try #require(archive.metadata["steps"].flatMap { Int($0) })
        let network = try model.network(asked, guidance: ClassifierFreeGuidance(scale: scale))
        let plan = try model.drawing.diffusion.plan(.ddim, steps: steps, schedule: "default", strength: nil)
        let source = NoiseSource.perImage([try RandomGenerator(seed: seed)])
        let noise = try source([1, model.drawing.latentChannels, side, side], device: .cpu)
        var chain = try Chain(plan, plan.denoiser(network), start: .given(noise), noise: source)
        _ = try withoutGradients { try chain.run() }
        let heat = try #require(try record.heat(height: side, width: side)).at(0).rows(0..<expected.shape[0])
        let error = try (heat - expected).norm().item() / expected.norm().item()
        #expect(error < 1e-3, "\(error)")
        // And words stand where the towers read them.
        let tokens = try model.tokens(in: prompt)
        #expect(tokens.map(\.place) == Array(1...expected.shape[0] - 2))
    }

    @Test func wordsAreThePromptsAndThePictureIsTheSame() async throws {
        let file = try TinyModel()
        let model = try await file.load()
        let request = GenerationRequest(prompt: "a red house, a lake", seed: 3, steps: 3)
        let explanation = try await model.explain(request)
        #expect(explanation.words.map(\.text) == ["a", "red", "house", "a", "lake"])
        #expect(abs(explanation.words.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        for word in explanation.words {
            #expect(word.share > 0 && word.heat.width == 8 && word.heat.values.count == 64)
            #expect((0...1).contains(word.centre.x) && (0...1).contains(word.centre.y))
        }
        #expect(explanation.words[0].heat != explanation.words[3].heat)
        #expect(explanation.drawn.picture == (try await model.generate(request)[0].picture))
        #expect(try await model.explain(request).words.map(\.heat) == explanation.words.map(\.heat))
        let lake = try await model.explain(request, words: ["LAKE"])
        let (all, two) = (try explanation.sheet(), try lake.sheet())
        #expect(all.width * all.height > two.width * two.height)
    }

    /// What changes without a word: each map is the difference of two pictures that anybody can draw.
    @Test func removalIsADifferenceOfPictures() async throws {
        let model = try await TinyModel().load()
        let request = GenerationRequest(prompt: "a red house", seed: 3, steps: 3)
        let explanation = try await model.explain(request, by: .removal)
        #expect(explanation.words.map(\.text) == ["a", "red", "house"])
        var without = request
        without.prompt = "a  house"
        let (whole, other) = (try await model.generate(request)[0].picture, try await model.generate(without)[0].picture)
        #expect(explanation.drawn.picture == whole)
        var expected = [Float](repeating: 0, count: 64)
        for index in 0..<192 {
            expected[index / 3] += Float(abs(Int(whole.pixels[index]) - Int(other.pixels[index]))) / 765
        }
        #expect(explanation.words[1].heat.values == expected)
        #expect(explanation.words[1].heat.mean > 0)
        #expect(abs(explanation.words.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    }

    /// Only the words asked about are shown, and drawn without; the share of attention stays that among all words.
    @Test func wordsAreChosen() async throws {
        let model = try await TinyModel().load()
        let request = GenerationRequest(prompt: "a red house, a lake", seed: 3, steps: 3)
        let all = try await model.explain(request)
        let steps = Steps()
        let some = try await model.explain(request, words: ["A", "lake"]) { steps.take($0, of: $1) }
        #expect(some.words.map(\.text) == ["a", "a", "lake"])
        #expect(some.words.map(\.share) == [0, 3, 4].map { all.words[$0].share })
        #expect(steps.told == [[1, 3], [2, 3], [3, 3]])

        let red = GenerationRequest(prompt: "a red house", seed: 3, steps: 3)
        let drawn = Steps()
        let without = try await model.explain(red, by: .removal, words: ["RED"]) { drawn.take($0, of: $1) }
        #expect(without.words.map(\.text) == ["red"] && without.words[0].share == 1)
        #expect(drawn.told == (1...6).map { [$0, 6] })
    }

    @Test(arguments: Explanation.Method.allCases)
    func anUnknownWordIsRefusedBeforeAnythingIsDrawn(method: Explanation.Method) async throws {
        let model = try await TinyModel().load()
        let steps = Steps()
        let error = await #expect(throws: GenerationError.self) {
            try await model.explain(.init(prompt: "a red house"), by: method, words: ["red", "fox"]) {
                steps.take($0, of: $1)
            }
        }
        let expected = GenerationError.invalid(
            option: "words", value: "fox", expected: "words of the prompt that the model reads: a, red, house")
        #expect(error == expected)
        #expect(steps.told.isEmpty)
    }

    /// A word that a textual inversion taught stands among the others, by as many tokens as it has rows.
    @Test(arguments: ["sd1", "xl"]) func addedWordsAreNamed(name: String) throws {
        let model = try PublishedModel("\(Self.pipelines)/\(name)").load(
            additions: .init(
                embeddings: [.init(path: "\(Self.pipelines)/\(name).inversion.safetensors", word: "<moon>")]))
        let prompt = "a <moon> over the lake"
        let tokens = try model.tokens(in: prompt)
        let words = tokens.map { String(prompt[$0.token.word]) }
        #expect(Set(words) == ["a", "<moon>", "over", "the", "lake"] && words.count { $0 == "<moon>" } == 2)
        #expect(tokens.map(\.place) == Array(1...tokens.count))
    }

    /// Brackets are text to `compare`, as they are to `explain`.
    @Test func comparedPromptsAreReadPlainly() async throws {
        let model = try await TextToImage.load(.file(Self.pipelines + "/sd1"))
        let request = GenerationRequest(prompt: "(lake:1.4)", seed: 3, sampler: .ddim, steps: 2)
        let comparison = try await model.compare(request, with: "lake")
        #expect(comparison.first.settings.reading == .plain && comparison.second.settings.reading == .plain)
    }

    @Test func wordingsAreCompared() async throws {
        let model = try await TinyModel().load()
        let request = GenerationRequest(prompt: "a red house", seed: 3, steps: 3)
        let same = try await model.compare(request, with: "a red house")
        let steps = Steps()
        _ = try await model.compare(request, with: "a house") { steps.take($0, of: $1) }
        #expect(steps.told == (1...9).map { [$0, 9] })
        #expect(same.change.mean == 0 && same.share == 0 && same.first.picture == same.second.picture)
        let none = try await model.compare(request, with: "")
        #expect(abs(none.share - 1) < 1e-9 && none.change.mean > 0)
        let other = try await model.compare(request, with: "house a red")
        #expect(other.share > 0 && other.share < 10)
        #expect(other.first.picture == same.first.picture && other.second.settings.prompt == "house a red")
        #expect(try other.sheet().width > other.sheet().height)
        await #expect(throws: GenerationError.self) {
            try await model.compare(.init(prompt: "a", count: 2), with: "a house")
        }
    }

    @Test func whatCannotBeExplainedIsRefused() async throws {
        let model = try await TinyModel().load()
        await #expect(throws: GenerationError.self) { try await model.explain(.init(prompt: "a", count: 2)) }
        let upsampler = try await TinyModel(.lowResolution).load()
        await #expect(throws: GenerationError.self) { try await upsampler.explain(.init(prompt: "a")) }
        let nothing = try await model.explain(.init(prompt: "", seed: 1, steps: 1))
        #expect(nothing.words.isEmpty)
        #expect(try nothing.sheet().width > 0)
    }

    @Test func mapsAreLaidOverPictures() throws {
        let picture = try Picture(width: 3, height: 2, filled: Colour(grey: 100))
        let map = HeatMap(width: 3, height: 2, values: [0, 0, 0, 0, 0, 6])
        #expect(abs(map.centre.x - 2.5 / 3) < 1e-9 && abs(map.centre.y - 0.75) < 1e-9)
        let laid = try map.laid(over: picture)
        func brightness(_ pixel: Int) -> Int { (0..<3).reduce(0) { $0 + Int(laid.pixels[3 * pixel + $1]) } }
        #expect(brightness(5) > 2 * brightness(0) && brightness(0) == brightness(4))
        let even = HeatMap(width: 3, height: 2, values: [Float](repeating: 2, count: 6))
        #expect(even.centre == (0.5, 0.5))
        #expect(throws: ImageError.self) { try map.laid(over: Picture(width: 2, height: 3, filled: .white)) }
    }
}

/// What was told of steps: each with their number.
private final class Steps: @unchecked Sendable {
    // The array is touched under the lock alone.
    private let lock = NSLock()
    private var all: [[Int]] = []

    var told: [[Int]] { lock.withLock { all } }

    func take(_ step: Int, of count: Int) { lock.withLock { all.append([step, count]) } }
}
