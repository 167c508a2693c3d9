import Foundation
import Images
import Moonlit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct StreamTests {
    let file: TinyModel

    init() throws { file = try TinyModel() }

    @Test func tellsOfEveryStep() async throws {
        let model = try await file.load()
        let request = GenerationRequest(prompt: "a lake", seed: 1, count: 3, batchSize: 2, steps: 5)
        let pictures = try await model.generate(request).map(\.picture)
        for previews in [Set(TextToImage.Preview.allCases), [.predicted], []] {
            var steps: [GenerationStep] = []
            for try await step in model.stream(request, showing: previews) { steps.append(step) }
            #expect(steps.map(\.index) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
            #expect(steps.map(\.firstPicture) == [0, 0, 0, 0, 0, 2, 2, 2, 2, 2] && steps.allSatisfy { $0.count == 5 })
            #expect(steps.map(\.results.count) == [0, 0, 0, 0, 2, 0, 0, 0, 0, 1])
            #expect(steps.flatMap(\.results).map(\.picture) == pictures)
            let shown = [2, 2, 2, 2, 2, 1, 1, 1, 1, 1]
            #expect(steps.map(\.previews.count) == (previews.contains(.predicted) ? shown : shown.map { _ in 0 }))
            #expect(steps.map(\.noisy.count) == (previews.contains(.noisy) ? shown : shown.map { _ in 0 }))
            if previews.contains(.noisy) { #expect(steps[4].noisy == Array(pictures[0..<2])) }
        }
    }

    @Test func showsEveryOtherStep() async throws {
        let model = try await file.load()
        let request = GenerationRequest(prompt: "a lake", seed: 1, steps: 5)
        var all: [GenerationStep] = []
        for try await step in model.stream(request) { all.append(step) }
        var some: [GenerationStep] = []
        for try await step in model.stream(request, every: 2) { some.append(step) }
        #expect(some.map(\.previews.count) == [0, 1, 0, 1, 0])
        #expect(some[3].previews == all[3].previews)
        #expect(some[4].results.map(\.picture) == all[4].results.map(\.picture))
    }

    /// It is not decoded a second time from what the network predicted, which knows nothing of what is kept.
    @Test func theLastPreviewIsTheFinishedPicture() async throws {
        let model = try await file.load()
        var hole = [UInt8](repeating: 0, count: 8 * 8 * 3)
        for index in 0..<8 * 4 * 3 { hole[index] = 255 }
        var request = GenerationRequest(prompt: "a lake", seed: 1, steps: 3)
        request.initImage = try InputPicture(
            Picture(width: 8, height: 8, filled: Colour(red: 200, green: 90, blue: 30)))
        request.mask = try InputPicture(Picture(width: 8, height: 8, channels: 3, pixels: hole))
        var steps: [GenerationStep] = []
        for try await step in model.stream(request, showing: [.predicted, .noisy]) { steps.append(step) }
        let finished = steps[2].results.map(\.picture)
        #expect(finished.count == 1 && steps[2].previews == finished && steps[2].noisy == finished)
        #expect(steps[1].previews != finished)
    }

    /// More than an hour's work, were it not given up. The second request is served when the first has ended.
    private let endless = GenerationRequest(prompt: "a lake", count: 1_000_000, batchSize: 1, steps: 1000)

    @Test func leavingTheLoopEndsTheDrawing() async throws {
        let model = try await file.load()
        for try await step in model.stream(endless) {
            #expect(step.index == 0)
            break
        }
        #expect(try await model.generate(.init(prompt: "a lake")).count == 1)
    }

    @Test func cancellingTheTaskEndsTheDrawing() async throws {
        let model = try await file.load()
        let drawing = Task { [endless] in try await model.generate(endless) }
        let watching = Task { [endless] in
            var seen = 0
            for try await _ in model.stream(endless) { seen += 1 }
            return seen
        }
        drawing.cancel()
        await #expect(throws: CancellationError.self) { try await drawing.value }
        watching.cancel()
        _ = await watching.result
        #expect(try await model.generate(.init(prompt: "a lake")).count == 1)
    }

    /// A task cancelled after step k draws no further step.
    @Test func noStepFollowsACancellation() async throws {
        let model = try await file.load()
        let before = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await model.generate(.init(prompt: "a lake"))
        }
        await #expect(throws: CancellationError.self) { try await before.value }
    }

    /// The main actor asks in order; so is it answered.
    @MainActor @Test func requestsAreServedInOrder() async throws {
        let model = try await file.load()
        let log = Log()
        let tasks = (0..<6).map { (seed: UInt64) in
            Task { @MainActor in
                let picture = try await model.generate(.init(prompt: "a lake", seed: seed, steps: seed == 0 ? 20 : 2))[0]
                log.order.append(seed)
                log.pictures[seed] = picture.picture
            }
        }
        for task in tasks { try await task.value }
        #expect(log.order == [0, 1, 2, 3, 4, 5])
        for seed in UInt64(1)..<6 {
            #expect(try await model.generate(.init(prompt: "a lake", seed: seed, steps: 2))[0].picture == log.pictures[seed])
        }
    }

    @MainActor private final class Log {
        var order: [UInt64] = []
        var pictures: [UInt64: Picture] = [:]
    }
}
