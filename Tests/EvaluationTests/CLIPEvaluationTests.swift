import Checkpoints
import Diffusion
import Evaluation
import Images
import Models
import Scenes
import Synchronization
import Tensors
import Testing

extension KnowingJudge: ProcessCLIP {
    var process: DiffusionConfiguration? { nil }
}

/// Knows nothing, but remembers what it was shown and at which steps.
private final class Witness: ProcessCLIP {
    private let shown = Mutex<[(pixels: [Float], steps: [Double])]>([])
    var imageSide: Int { 64 }
    var embeddingWidth: Int { 2 }
    var isNoised: Bool { true }
    var logitScale: Double { 1 }
    var process: DiffusionConfiguration? { DiffusionConfiguration(schedule: .squaredCosine, steps: 100) }
    var seen: [(pixels: [Float], steps: [Double])] { shown.withLock { $0 } }

    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        let seen = (try pictures.floats(), try timesteps?.to(.float64).doubles() ?? [])
        shown.withLock { $0.append(seen) }
        return try .ones([pictures.shape[0], 2])
    }

    func embeddings(ofTexts texts: [String]) throws -> Tensor { try .zeros([texts.count, 2]) }
}

@Suite struct CLIPEvaluationTests {
    private func set(count: Int, references: Int) throws -> PromptSet {
        try PromptSet(
            .heldOut, of: SceneConfiguration(), artwork: paperArtwork(), count: count, references: references, captions: 20,
            seed: 1)
    }

    private func report(
        _ model: some ProcessCLIP, _ set: PromptSet, steps: [Int] = [], seed: UInt64 = 3
    ) throws -> CLIPReport {
        try CLIPEvaluation(model, Judge(model, name: "model"), set, seed: seed).report(steps: steps)
    }

    @Test func whoKnowsFindsItsPicture() throws {
        let world = World()
        let set = try set(count: 6, references: 30)
        for (picture, scene) in zip(try set.realPictures(size: World.side), set.descriptions) {
            world.register(picture, Content(scene))
        }
        let report = try self.report(KnowingJudge(world: world), set)
        #expect(report.clean.first.value == 1 && report.noisy.isEmpty)
        #expect(report.count == 6 && report.captions == 20)
        let retrieval = try #require(report.retrieval)
        #expect(retrieval.gallery == 36)
        #expect(retrieval.firstTen.value == 1 && retrieval.medianRank < 2)
        #expect(report.markdown.contains("among 36 pictures"))
        #expect(try report.plot() == nil)
    }

    @Test func whoKnowsNothingIsAtChance() throws {
        let set = try set(count: 4, references: 17)
        let report = try self.report(Witness(), set, steps: [0, 99])
        #expect(report.clean == report.chance)
        #expect(report.noisy.map(\.step) == [0, 99] && report.noisy.allSatisfy { $0.ranking == report.chance })
        let retrieval = try #require(report.retrieval)
        #expect(retrieval.medianRank == 11 && retrieval.firstTen.right == 0)
        #expect(try report.plot().map { $0.width > 100 } == true)
        #expect(try self.report(Witness(), self.set(count: 4, references: 0)).retrieval == nil)
    }

    @Test func picturesHaveTheNoiseOfTheirStep() throws {
        let set = try set(count: 3, references: 0)
        let clean = try set.realPictures(size: 64).flatMap { $0.planes() }
        let (one, two, other) = (Witness(), Witness(), Witness())
        _ = try report(one, set, steps: [10, 60])
        _ = try report(two, set, steps: [60])
        _ = try report(other, set, steps: [60], seed: 4)
        let process = try #require(one.process)
        let alphaBar = try process.noiseSchedule().alphaBar
        #expect(one.seen.map(\.steps) == [[], [10, 10, 10], [60, 60, 60]])
        #expect(one.seen[0].pixels == clean)
        for seen in one.seen.dropFirst() {
            let share = alphaBar[Int(seen.steps[0])]
            let noise = zip(seen.pixels, clean).map { (Double($0) - share.squareRoot() * Double($1)) / (1 - share).squareRoot() }
            let mean = noise.reduce(0, +) / Double(noise.count)
            let variance = noise.reduce(0) { $0 + $1 * $1 } / Double(noise.count)
            #expect(abs(mean) < 0.02 && abs(variance - 1) < 0.03)
        }
        #expect(two.seen[1].pixels == one.seen[2].pixels && other.seen[1].pixels != two.seen[1].pixels)
    }

    @Test(arguments: [[100], [-1]]) func stepsOutsideTheProcessAreRefused(steps: [Int]) throws {
        let set = try set(count: 2, references: 0)
        let error = try #require(throws: EvaluationError.self) { try report(Witness(), set, steps: steps) }
        #expect(error.description.contains("0 to 99"))
        let clean = try #require(throws: EvaluationError.self) { try report(KnowingJudge(world: World()), set, steps: [0]) }
        #expect(clean.description.contains("clean pictures"))
    }
}
