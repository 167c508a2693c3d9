import Foundation
import Tensors
import Testing

/// Damaged files give an error or tensors within the file, never a crash; the seed of a failing case reproduces it.
@Suite struct FilesMutationTests {
    @Test func safetensorsHeader() throws {
        let bytes = try contents(fixture("types.safetensors"))
        try damage(bytes, in: 0..<848, cases: 1500, atLeastRefused: 1000)
    }

    @Test func safetensorsWhole() throws {
        try damage(contents(fixture("types.safetensors")), cases: 1500, atLeastRefused: 700)
    }

    @Test(arguments: ["strided.pt", "lightning.ckpt", "protocol4.pt"])
    func pickle(name: String) throws {
        let bytes = try contents(fixture(name))
        // The pickle is the first record: everything before the second local header.
        let next = try #require(Data(bytes).range(of: Data("PK\u{3}\u{4}".utf8), in: 4..<bytes.count))
        // A change of length would only break the zip, so it is made to fit again.
        try damage(Array(bytes[..<next.lowerBound]), in: 60..<next.lowerBound, cases: 1200, atLeastRefused: 200) { part in
            var part = Array(part.prefix(next.lowerBound))
            part += [UInt8](repeating: 0, count: next.lowerBound - part.count)
            return part + bytes[next.lowerBound...]
        }
    }

    @Test(arguments: ["strided.pt", "zip64.pt"])
    func zipDirectory(name: String) throws {
        let bytes = try contents(fixture(name))
        let directory = try #require(Data(bytes).range(of: Data("PK\u{1}\u{2}".utf8)))
        try damage(bytes, in: directory.lowerBound..<bytes.count, cases: 1200, atLeastRefused: 400)
        try damage(bytes, cases: 1200, atLeastRefused: 300)
    }

    @Test func legacy() throws {
        try damage(contents(fixture("strided-legacy.pt")), cases: 1200, atLeastRefused: 500)
    }

    private func damage(
        _ bytes: [UInt8], in range: Range<Int>? = nil, cases: UInt64, atLeastRefused: Int,
        repair: ([UInt8]) -> [UInt8] = { $0 }
    ) throws {
        let folder = try TemporaryFolder()
        let before = peakMemory()
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
        #expect(peakMemory() - before < allowedGrowth)
    }
}
