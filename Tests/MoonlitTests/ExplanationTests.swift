import Checkpoints
import Diffusion
import Foundation
import Images
import Models
import Moonlit
import Tensors
import Testing

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
        let (all, two) = (try explanation.sheet(), try explanation.sheet(of: ["LAKE"]))
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

    @Test func wordingsAreCompared() async throws {
        let model = try await TinyModel().load()
        let request = GenerationRequest(prompt: "a red house", seed: 3, steps: 3)
        let same = try await model.compare(request, with: "a red house")
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
