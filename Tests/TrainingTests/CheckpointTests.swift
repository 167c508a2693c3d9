import Checkpoints
import Foundation
import Tensors
import Testing
import Training

@Suite struct CheckpointTests {
    private func state(_ step: Int) throws -> [(name: String, value: Tensor)] {
        [("weights.a", try Tensor((0..<64).map { Float($0 + step) }, shape: [8, 8])), ("optimizer.b", try Tensor([step]))]
    }

    private func filled(_ folder: String, steps: [Int], keep: Int = 3) throws -> CheckpointStore {
        let store = CheckpointStore(folder: folder + "/checkpoints", keep: keep)
        for step in steps { try store.write(step: step, state: state(step), description: "a model") }
        return store
    }


    @Test func theNewestIsFoundWithAllItsTensors() throws {
        try withTemporaryFolder { folder in
            let found = try #require(try filled(folder, steps: [2, 10]).latest())
            #expect(found.step == 10)
            #expect(found.description == "a model")
            #expect(try found.archive.tensor("weights.a").floats() == state(10)[0].value.floats())
        }
    }

    @Test func theLastOnesStay() throws {
        try withTemporaryFolder { folder in
            let store = try filled(folder, steps: [1, 2, 3, 4, 5], keep: 2)
            #expect(store.steps == [4, 5])
        }
    }

    /// A bit anywhere, a file cut anywhere, a file gone: the checkpoint before is used, with a word about it.
    @Test(arguments: ["state.safetensors", "manifest.json"]) func damageIsPassedOver(file: String) throws {
        try withTemporaryFolder { folder in
            let store = try filled(folder, steps: [1, 2])
            let path = folder + "/checkpoints/step-00000002/" + file
            let whole = try bytes(path)
            func check(_ data: Data, _ what: String) throws {
                try data.write(to: URL(fileURLWithPath: path))
                var messages: [String] = []
                let found = store.latest { messages.append($0.description) }
                #expect(found?.step == 1, "\(what)")
                #expect(messages.count == 1 && messages[0].contains("step-00000002"), "\(what)")
            }
            let stride = max(1, whole.count / 61)
            for place in Swift.stride(from: 0, to: whole.count, by: stride) {
                // In the manifest, a bit may change its meaning or its look alone; only digits are sure to matter.
                if file == "manifest.json", !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(whole[place]) { continue }
                var flipped = whole
                flipped[place] ^= 1
                try check(flipped, "bit 0 of byte \(place)")
                try check(whole.prefix(place), "cut at \(place)")
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(store.latest()?.step == 1)
            try whole.write(to: URL(fileURLWithPath: path))
            #expect(store.latest()?.step == 2)
        }
    }

    /// What is on the disk at each point of writing: a crash there leaves the old checkpoint or the new one.
    @Test func aCrashAnywhereLeavesAWholeCheckpoint() throws {
        try withTemporaryFolder { folder in
            var store = try filled(folder, steps: [1, 2], keep: 2)
            var seen: [CheckpointStore.Moment] = []
            store.checkpointReached = { moment in
                seen.append(moment)
                let copy = folder + "/crash-\(moment)"
                try FileManager.default.copyItem(atPath: folder + "/checkpoints", toPath: copy)
            }
            try store.write(step: 3, state: state(3), description: "a model")
            #expect(seen == CheckpointStore.Moment.allCases)
            for moment in seen {
                let after = CheckpointStore(folder: folder + "/crash-\(moment)", keep: 2)
                let isOut = moment == .published || moment == .removed
                #expect(after.latest()?.step == (isOut ? 3 : 2), "\(moment)")
                after.removePartial()
                #expect(try FileManager.default.contentsOfDirectory(atPath: after.folder).allSatisfy { !$0.contains("partial") })
                try after.write(step: 3, state: state(3), description: "a model")
                #expect(after.latest()?.step == 3, "\(moment)")
            }
        }
    }

    @Test func aDamagedOneIsReplaced() throws {
        try withTemporaryFolder { folder in
            let store = try filled(folder, steps: [1, 2])
            let path = store.folder + "/step-00000002"
            try Data().write(to: URL(fileURLWithPath: path + "/state.safetensors"))
            #expect(store.latest()?.step == 1)
            try store.write(step: 2, state: state(2), description: "a model")
            #expect(store.latest()?.step == 2)
            let whole = try FileManager.default.contentsOfDirectory(atPath: store.folder)
            #expect(whole.sorted() == ["step-00000001", "step-00000002"])
            // As a kill leaves it between the old one's renaming and the new one's.
            try FileManager.default.moveItem(atPath: path, toPath: path + ".replaced")
            store.removePartial()
            let left = try FileManager.default.contentsOfDirectory(atPath: store.folder)
            #expect(left == ["step-00000001"])
        }
    }

    struct DiskFull: Error {}

    @Test(arguments: [CheckpointStore.Moment.began, .wroteState, .wroteManifest])
    func aFailedWriteLeavesTheOthersAlone(moment: CheckpointStore.Moment) throws {
        try withTemporaryFolder { folder in
            var store = try filled(folder, steps: [1, 2])
            store.checkpointReached = { if $0 == moment { throw DiskFull() } }
            #expect(throws: DiskFull.self) { try store.write(step: 3, state: state(3), description: "a model") }
            #expect(store.steps == [1, 2])
            #expect(store.latest()?.step == 2)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/checkpoints")
            #expect(left.count == 2)
        }
    }
}
