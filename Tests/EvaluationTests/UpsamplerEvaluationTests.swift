import Evaluation
import Foundation
import Images
import Models
import Scenes
import Tensors
import Testing

/// Sees how bright a tile is and how rough, in any place.
private struct RoughJudge: PictureTextModel {
    let imageSide = 16
    let embeddingWidth = 3
    let isNoised = false
    let logitScale = 1.0

    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        let (values, area) = (try pictures.floats(), 3 * 16 * 16)
        let rows = stride(from: 0, to: values.count, by: area).map { start -> [Float] in
            let own = values[start..<start + area]
            let mean = own.reduce(0, +) / Float(area)
            let rough = zip(own, own.dropFirst()).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(area)
            return [1, mean, rough]
        }
        return try Tensor(rows.flatMap { $0 }, shape: [rows.count, 3])
    }

    func embeddings(ofTexts texts: [String]) throws -> Tensor { try .ones([texts.count, 3]) }
}

@Suite struct UpsamplerEvaluationTests {
    private func scenes() throws -> [Picture] {
        try PromptSet(
            .heldOut, of: SceneConfiguration(), artwork: paperArtwork(), count: 4, references: 2, captions: 2, seed: 1
        ).realPictures(size: 64)
    }

    private func report(_ enlarge: (Picture, Picture) throws -> Picture) throws -> UpsamplerReport {
        var evaluation = UpsamplerEvaluation(judge: Judge(RoughJudge(), name: "rough"), factor: 4)
        for scene in try scenes() { try evaluation.add(scene, enlarged: enlarge(scene, evaluation.small(scene))) }
        return try evaluation.report(model: "model", data: "scenes", seed: 3, side: 64)
    }

    @Test func theRealPictureIsNearest() throws {
        let perfect = try report { scene, _ in scene }
        #expect(perfect.drawn.psnr == 100 && perfect.drawn.frechet < 1e-9)
        #expect(perfect.count == 4 && perfect.tiles == 64 && perfect.bicubic.frechet > 1e-5)
        let bicubic = try report { scene, small in try small.resized(width: 64, height: 64, filter: .bicubic) }
        #expect(bicubic.drawn == bicubic.bicubic && bicubic.bicubic == perfect.bicubic)
        #expect(bicubic.markdown.contains("by a factor of 1.00") && bicubic.markdown.contains("0.00 dB"))
        // Blocks are further from the pixels, and no smoother than real.
        let blocks = try report { _, small in try small.resized(width: 64, height: 64, filter: .nearest) }
        #expect(blocks.drawn.psnr < blocks.bicubic.psnr)
    }

    @Test func numbersAreThoseOfThePixels() throws {
        let scene = try scenes()[0]
        var evaluation = UpsamplerEvaluation(judge: Judge(RoughJudge(), name: "rough"), factor: 4)
        let small = try evaluation.small(scene)
        #expect(small.width == 16)
        let first = (0..<16).reduce(0) { $0 + Int(scene.pixels[3 * ($1 / 4 * 64 + $1 % 4)]) }
        #expect(abs(Int(small.pixels[0]) - first / 16) <= 1)
        let plain = try evaluation.add(scene, enlarged: scene)
        let squares = zip(plain.pixels, scene.pixels).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        let report = try evaluation.report(model: "model", data: "scenes", seed: 3, side: 64)
        #expect(abs(report.bicubic.psnr - 10 * log10(65025 * Double(scene.pixels.count) / squares)) < 1e-9)
    }

    @Test func otherSizesAreRefused() throws {
        var evaluation = UpsamplerEvaluation(judge: Judge(RoughJudge(), name: "rough"), factor: 4)
        let odd = try Picture(width: 66, height: 64, filled: .white)
        #expect(throws: EvaluationError.self) { try evaluation.small(odd) }
        let scene = try scenes()[0]
        #expect(throws: EvaluationError.self) { try evaluation.add(scene, enlarged: evaluation.small(scene)) }
    }
}
