import Foundation
import Testing

struct ExampleTests {
    /// What is shown is what compiles, line by line.
    @Test(arguments: ["Sources/Moonlit/TextToImage.swift", "README.md"])
    func thePageShowsWhatCompiles(page: String) throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let code = try String(contentsOf: here.appending(path: "Example.swift"), encoding: .utf8)
        let section = try #require(code.components(separatedBy: "/// \(page)\n").dropFirst().first)
        let example = section.split(separator: "\n").dropFirst().prefix { $0.hasPrefix("    ") }.map { $0.dropFirst(4) }
        #expect(example.count >= 3)
        let shown = try String(contentsOf: root.appending(path: page), encoding: .utf8)
            .replacing("/// ", with: "").split(separator: "\n")
        #expect(shown.contains(example), "\(page) shows another example")
    }
}
