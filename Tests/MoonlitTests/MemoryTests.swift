import Foundation
import Moonlit
import Tensors
import Testing

struct MemoryTests {
    /// Two hundred pictures leave nothing behind. In a process of its own: tensors are counted over all threads.
    @Test(.timeLimit(.minutes(5))) func twoHundredPicturesLeaveNothing() async {
        await #expect(processExitsWith: .success) {
            let baseline = Engine.liveTensors
            var model: TextToImage? = try await TinyModel().load()
            // Weights are packed as they are first used. What a picture held may be let go of just after it is handed over.
            _ = try await model?.generate(.init(prompt: "a red house", steps: 2))
            var loaded = Engine.liveTensors
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(20))
                loaded = min(loaded, Engine.liveTensors)
            }
            let settled = loaded
            func draw(_ count: Int) async throws {
                for seed in 0..<count {
                    _ = try await model?.generate(.init(prompt: "a red house", seed: UInt64(seed), steps: 2))
                    if seed % 10 == 0, let model {
                        for try await step in model.stream(.init(prompt: "a lake", steps: 5)) where step.index == 1 { break }
                        _ = try? await model.generate(.init(prompt: "a lake", width: 7))
                    }
                }
                // A picture's last reference may be let go of just after it is handed over.
                for _ in 0..<100 where Engine.liveTensors != settled { try await Task.sleep(for: .milliseconds(20)) }
            }
            try await draw(60)
            #expect(Engine.liveTensors == settled)
            let before = try residentBytes()
            try await draw(200)
            #expect(Engine.liveTensors == settled)
            let grown = try residentBytes() - before
            #expect(grown < 6 << 20, "\(grown) bytes")
            model = nil
            for _ in 0..<100 where Engine.liveTensors != baseline { try await Task.sleep(for: .milliseconds(20)) }
            #expect(Engine.liveTensors == baseline)
        }
    }
}

/// The resident memory of this process now; at its highest where the system tells no more.
private func residentBytes() throws -> Int {
    if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) {
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber))) << 10
    }
    var usage = rusage()
    #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #endif
    return Int(usage.ru_maxrss)
}
