import Foundation
import Testing

struct ExampleTests {
    /// What is shown is what compiles, line by line.
    @Test func theExampleIsTheOneThatIsShown() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let code = try String(contentsOf: here.appending(path: "Example.swift"), encoding: .utf8)
        let example = code.split(separator: "\n").filter { $0.hasPrefix("    ") }.map { $0.dropFirst(4) }
        #expect(example.count == 3)
        for path in ["Sources/Moonlit/TextToImage.swift", "README.md"] {
            let page = root.appending(path: path)
            guard path != "README.md" || FileManager.default.fileExists(atPath: page.path) else { continue }
            let shown = try String(contentsOf: page, encoding: .utf8).replacing("/// ", with: "")
            #expect(shown.contains(example.joined(separator: "\n")), "\(path) shows another example")
        }
    }
}
