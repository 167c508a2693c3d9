import Foundation
import Tensors
import Testing

/// Damaged files give an error or tensors within the file, never a crash; the seed of a failing case reproduces it.
/// Each test in a process of its own, so that its memory can be watched; one after the other, as each keeps a core busy.
@Suite(.serialized) struct FilesMutationTests {
    @Test func safetensors() async {
        await #expect(processExitsWith: .success) {
            let bytes = try contents(fixture("types.safetensors"))
            try damage(bytes, in: 0..<848, cases: 1500, atLeastRefused: 1000)
            try damage(bytes, cases: 1500, atLeastRefused: 700)
        }
    }

    @Test(arguments: ["strided.pt", "lightning.ckpt", "protocol4.pt"])
    func pickle(name: String) async {
        await #expect(processExitsWith: .success) { [name] in
            let bytes = try contents(fixture(name))
            // The pickle is the first record: everything before the second local header.
            let next = try #require(Data(bytes).range(of: Data("PK\u{3}\u{4}".utf8), in: 4..<bytes.count))
            let first = Array(bytes[..<next.lowerBound])
            // A change of length would only break the zip, so it is made to fit again.
            try damage(first, in: 60..<first.count, cases: 1200, atLeastRefused: 200) { part in
                var part = Array(part.prefix(first.count))
                part += [UInt8](repeating: 0, count: first.count - part.count)
                return part + bytes[first.count...]
            }
        }
    }

    @Test(arguments: ["strided.pt", "zip64.pt"])
    func zipDirectory(name: String) async {
        await #expect(processExitsWith: .success) { [name] in
            let bytes = try contents(fixture(name))
            let directory = try #require(Data(bytes).range(of: Data("PK\u{1}\u{2}".utf8)))
            try damage(bytes, in: directory.lowerBound..<bytes.count, cases: 1200, atLeastRefused: 400)
            try damage(bytes, cases: 1200, atLeastRefused: 300)
        }
    }

    @Test func legacy() async {
        await #expect(processExitsWith: .success) {
            try damage(contents(fixture("strided-legacy.pt")), cases: 1200, atLeastRefused: 500)
        }
    }

    /// Else the bound would bound nothing: this process's peak is higher than the other's ever is.
    @Test func aProcessBeginsWithNoOthersPeak() async {
        touch(256 << 20)
        await #expect(processExitsWith: .success) {
            let before = try peakMemory()
            touch(64 << 20)
            let grown = try peakMemory() - before
            #expect(grown > 32 << 20, "\(grown) bytes")
        }
    }
}

/// Writes and reads `cases` files made of `bytes`.
/// - Parameter range: where the damage falls; all of `bytes` without it.
/// - Parameter repair: what makes a file of damaged bytes.
private func damage(
    _ bytes: [UInt8], in range: Range<Int>? = nil, cases: UInt64, atLeastRefused: Int,
    repair: ([UInt8]) -> [UInt8] = { $0 }
) throws {
    let folder = try TemporaryFolder()
    let before = try peakMemory()
    var refused = 0
    for seed in 0..<cases {
        var mutator = Mutator(seed: seed)
        let path = try folder.write(repair(mutator.mutate(bytes, in: range)))
        do {
            let archive = try TensorArchive.open(path)
            _ = try archive.tensors()
            _ = try archive.readAll()
        } catch let error as TensorFileError {
            refused += 1
            if error.file != path || error.problem.isEmpty { Issue.record("seed \(seed): \(error)") }
        } catch is TensorError {
            // A shape without elements that is too large for libtorch.
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }
    #expect(refused >= atLeastRefused)
    let grown = try peakMemory() - before
    #expect(grown < 512 << 20, "\(grown) bytes")
}

/// Has `count` bytes in memory for a moment.
private func touch(_ count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    #expect(bytes[Int.random(in: bytes.indices)] == 1)
}
