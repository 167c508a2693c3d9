import Datasets
import Testing
import Training

/// Configurations that were cut, changed or made to mislead.
@Suite struct DamagedConfigurationTests {
    @Test func everyMutationIsReadOrRefused() throws {
        let sound = Array(try TrainingConfiguration.emoji64.yaml().utf8)
        let insertions = ["&a [*a]", "*", "- ", ": ", "!!binary ", "9999999999999999999", "-1", ".nan", "\t", "\u{0}", "{", "]"]
        var refused = 0
        for seed in 0..<1_000 as Range<UInt64> {
            var draws = SeededGenerator(seed)
            var bytes = sound
            for _ in 0...draws.below(3) {
                switch draws.below(4) {
                case 0: bytes = Array(bytes.prefix(draws.below(bytes.count + 1)))
                case 1: if !bytes.isEmpty { bytes[draws.below(bytes.count)] ^= UInt8(1 << draws.below(8)) }
                case 2: bytes.insert(contentsOf: insertions[draws.below(insertions.count)].utf8, at: draws.below(bytes.count + 1))
                default:
                    let start = draws.below(bytes.count + 1)
                    bytes.removeSubrange(start..<min(bytes.count, start + draws.below(40)))
                }
            }
            do {
                _ = try TrainingConfiguration(yaml: String(decoding: bytes, as: UTF8.self), file: "damaged.yaml")
            } catch let error as TrainingError {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        #expect(refused > 300, "only \(refused) were refused")
    }

    @Test func aSizeBelowZeroIsRefused() {
        #expect(throws: TrainingError.self) { try TrainingConfiguration(yaml: "preset: emoji-64\nimageSize: -64\n") }
    }

    /// Aliases of aliases would grow to billions of nodes.
    @Test func aliasesDoNotGrow() throws {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
        for level in 1...12 { yaml += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 8).joined(separator: ", ") + "]\n" }
        #expect(throws: TrainingError.self) { try TrainingConfiguration(yaml: yaml) }
    }

    @Test func nestingDoesNotExhaustTheStack() throws {
        let yaml = "steps: " + String(repeating: "[", count: 100_000)
        #expect(throws: TrainingError.self) { try TrainingConfiguration(yaml: yaml) }
    }
}
