import Checkpoints
import Datasets
import Foundation
import Images
import Layers
import Models
import Tensors
import Testing
import Training

@Suite struct RunTests {
    private func run(
        _ folder: String, _ configuration: TrainingConfiguration?, resume: Bool = false, initialModel: String? = nil
    ) throws -> TrainingRun {
        try TrainingRun(
            configuration: configuration, folder: folder, resume: resume, initialModel: initialModel,
            data: ColouredSet())
    }

    private func newest(_ folder: String, _ step: Int) throws -> Data {
        try bytes(folder + "/checkpoints/step-0000000\(step)/state.safetensors")
    }

    @Test func aResumedRunEqualsAnUninterruptedOne() throws {
        try withTemporaryFolder { folder in
            let configuration = small()
            #expect(try run(folder + "/a", configuration).run() == .finished(step: 6))

            let stop = StopFlag()
            let first = try run(folder + "/b", configuration)
            let outcome = try first.run(stop: stop) { message in
                if case .progress(let progress) = message, progress.step == 3 { stop.set() }
            }
            #expect(outcome == .stopped(step: 3))
            // A line of a later step and half a line, as a kill leaves them.
            let log = folder + "/b/log.jsonl"
            var text = try String(contentsOfFile: log, encoding: .utf8)
            text += text.replacingOccurrences(of: "\"step\":2", with: "\"step\":4") + "{\"step\":"
            try text.write(toFile: log, atomically: true, encoding: .utf8)

            var other = configuration
            other.workers = 1
            let second = try run(folder + "/b", other, resume: true)
            #expect(second.step == 3)
            #expect(try second.run() == .finished(step: 6))
            // Weights, averages, moments and counts, and what the file says about them.
            #expect(try newest(folder + "/a", 6) == newest(folder + "/b", 6))
            #expect(try bytes(folder + "/a/model.safetensors") == bytes(folder + "/b/model.safetensors"))
            let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            let steps = try lines.map { try JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)).step }
            #expect(steps == [2, 4, 6])
        }
    }

    @Test func aDamagedCheckpointIsPassedOver() throws {
        try withTemporaryFolder { folder in
            let configuration = small()
            _ = try run(folder + "/a", configuration).run()
            let whole = try newest(folder + "/a", 6)
            try whole.prefix(1000).write(to: URL(fileURLWithPath: folder + "/a/checkpoints/step-00000006/state.safetensors"))
            let again = try run(folder + "/a", nil, resume: true)
            #expect(again.step == 4)
            var notes: [String] = []
            _ = try again.run { if case .note(let note) = $0 { notes.append(note) } }
            #expect(notes.contains { $0.contains("step-00000006") })
            #expect(try newest(folder + "/a", 6) == whole)
        }
    }

    @Test func theModelLoadsAndSamplesAreDrawn() throws {
        try withTemporaryFolder { folder in
            var configuration = small(steps: 2)
            configuration.intervals.sample = 2
            var messages: [TrainingMessage] = []
            _ = try run(folder + "/a", configuration).run { messages.append($0) }
            let file = try ModelFile(folder + "/a/model.safetensors")
            #expect(file.configuration.imageSize == 8)
            #expect(file.configuration.text.kept?.isEmpty == false)
            _ = try file.load()
            let sheet = folder + "/a/samples/step-00000002.png"
            #expect(messages.contains(.samples(step: 2, path: sheet)))
            #expect(try Picture(path: sheet).width > 300)

            // Its weights begin another run, which with a rate of nearly nothing stays where it was.
            configuration.rate.peak = 1e-12
            configuration.intervals.sample = 0
            configuration.samples.steps = 7
            _ = try run(folder + "/b", configuration, initialModel: folder + "/a/model.safetensors").run()
            let (old, new) = (file.archive, try ModelFile(folder + "/b/model.safetensors").archive)
            for name in old.names {
                #expect(try (new.tensor(name) - old.tensor(name)).abs().max().item() < 1e-6, "\(name)")
            }
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try withTemporaryFolder { folder in
            let configuration = small(steps: 2)
            _ = try run(folder + "/a", configuration).run()
            #expect(throws: TrainingError.self) { try run(folder + "/a", configuration) }
            do {
                let holder = try run(folder + "/a", nil, resume: true)
                #expect(throws: TrainingError.self) { try run(folder + "/a", nil, resume: true) }
                #expect(holder.step == 2)
            }
            #expect(throws: TrainingError.self) { try run(folder + "/nothing", nil, resume: true) }
            var other = configuration
            other.rate.peak *= 2
            let error = try #require(throws: TrainingError.self) { try run(folder + "/a", other, resume: true) }
            #expect(error.description.contains("rate.peak"))
            other = configuration
            other.network.text.width = 16
            #expect(throws: (any Error).self) {
                try run(folder + "/b", other, initialModel: folder + "/a/model.safetensors")
            }
        }
    }
}
