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
            // TensorBoard drops what was told of the steps behind the third: a session log at step 4 that says START.
            let events = try FileManager.default.contentsOfDirectory(atPath: folder + "/b").filter { $0.contains("tfevents") }
            let starts = try events.map { try bytes(folder + "/b/" + $0).range(of: Data([0x10, 4, 0x3A, 2, 8, 1])) }
            #expect(starts.count == 2 && starts.compactMap { $0 }.count == 1)
        }
    }

    /// What `auto` came to stands in the folder, and a run goes on in it.
    @Test(arguments: [DType.float32, .bfloat16]) func precisionIsSettled(begunIn: DType) throws {
        let settled: DType = Device.cpu.hasFastBFloat16 ? .bfloat16 : .float32
        try withTemporaryFolder { folder in
            var configuration = small(steps: 2)
            configuration.dtype = .auto
            let first = try run(folder + "/a", configuration)
            #expect(first.configuration.dtype.rawValue == settled.rawValue)
            _ = try first.run()
            #expect(try TrainingConfiguration(presetOrFile: folder + "/a/config.yaml") == first.configuration)
            // A folder from a machine that computes in the other.
            configuration.dtype = begunIn == .float32 ? .float32 : .bfloat16
            _ = try run(folder + "/b", configuration).run()
            configuration.dtype = .auto
            #expect(try run(folder + "/b", configuration, resume: true).configuration.dtype.rawValue == begunIn.rawValue)
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

    /// Ended before its first checkpoint, a run goes on from the model that it began with.
    @Test func theBeginningIsKept() throws {
        try withTemporaryFolder { folder in
            let older = try run(folder + "/older", small())
            _ = try older.run()
            let begun = small(steps: 2)
            _ = try run(folder + "/a", begun, initialModel: older.modelPath).run()
            let stop = StopFlag()
            stop.set()
            let stopped = try run(folder + "/b", begun, initialModel: older.modelPath).run(stop: stop)
            #expect(stopped == .stopped(step: 0))
            let rest = try run(folder + "/b", nil, resume: true).run()
            #expect(rest == .finished(step: 2))
            #expect(try newest(folder + "/a", 2) == newest(folder + "/b", 2))
        }
    }

    @Test func damagedCheckpointsAreNoBeginning() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder + "/a", small(steps: 2)).run()
            try Data("short".utf8).write(to: URL(fileURLWithPath: folder + "/a/checkpoints/step-00000002/state.safetensors"))
            let log = try bytes(folder + "/a/log.jsonl")
            let error = #expect(throws: TrainingError.self) { try run(folder + "/a", nil, resume: true) }
            #expect(error?.description.contains("step-00000002") == true)
            #expect(try bytes(folder + "/a/log.jsonl") == log)
        }
    }

    /// A run that was ended between its last checkpoint and its model.
    @Test func aMissingModelIsWritten() throws {
        try withTemporaryFolder { folder in
            let whole = try run(folder + "/a", small(steps: 2))
            _ = try whole.run()
            let model = try bytes(whole.modelPath)
            try FileManager.default.removeItem(atPath: whole.modelPath)
            let again = try run(folder + "/a", nil, resume: true).run()
            #expect(again == .finished(step: 2))
            #expect(try bytes(whole.modelPath) == model)
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
