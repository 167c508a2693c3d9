import Foundation
import Testing

/// The package as its files have it.
struct Repository {
    let root: URL

    init(file: String = #filePath) {
        root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The folders of `Sources`.
    func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The files under a folder with one of these endings, by their paths from the root.
    func files(under folder: String, _ endings: Set<String>) throws -> [String] {
        let base = root.appending(path: folder)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: base.path)
        return paths.filter { endings.contains(String($0.split(separator: ".").last ?? "")) }.map { "\(folder)/\($0)" }
    }

    /// What the Swift files of a module import.
    func imports(of module: String) throws -> Set<String> {
        let statement =
            /^\s*(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|let|var|typealias)\s+)?(\w+)/
            .anchorsMatchLineEndings()
        return try files(under: "Sources/\(module)", ["swift"]).reduce(into: Set()) { found, path in
            found.formUnion(try text(path).matches(of: statement).map { String($0.output.1) })
        }
    }
}

/// What `Package.swift` says of the targets that are no tests.
struct Manifest {
    struct Target {
        let name: String
        let isSystemLibrary: Bool
        let dependencies: Set<String>
    }

    let targets: [Target]

    subscript(name: String) -> Target? { targets.first { $0.name == name } }

    init(_ text: String) throws {
        let code = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in line.firstRange(of: /^\s*\/\//) == nil ? String(line) : "" }.joined(separator: "\n")
        // `module(…)`, `.target(…)`, `.executableTarget(…)`, `.systemLibrary(…)`, each with a literal name.
        let opening = /(module|\.target|\.executableTarget|\.systemLibrary)\(\s*(?:name:\s*)?"(\w+)"/
        targets = try code.matches(of: opening).map { match in
            let call = try #require(Self.balanced(code, from: match.range.lowerBound, "(", ")"))
            var dependencies: Set<String> = []
            let before =
                match.output.1 == "module"
                ? call.firstRange(of: /^\s*"\w+",\s*(?=\[)/) : call.firstRange(of: /dependencies:\s*(?=\[)/)
            if let before, let body = Self.balanced(call, from: before.upperBound, "[", "]") {
                // `.product(name: "X", package: "y")` and plain names.
                let plain = body.replacing(/,\s*package:\s*"[^"]*"/, with: "")
                dependencies = Set(plain.matches(of: /"(\w+)"/).map { String($0.output.1) })
            }
            return Target(
                name: String(match.output.2), isSystemLibrary: match.output.1 == ".systemLibrary",
                dependencies: dependencies)
        }
    }

    /// What stands between the first opening bracket after a place and its partner.
    private static func balanced(
        _ text: String, from start: String.Index, _ open: Character, _ close: Character
    ) -> String? {
        guard let first = text[start...].firstIndex(of: open) else { return nil }
        var depth = 0
        for index in text[first...].indices {
            if text[index] == open { depth += 1 }
            if text[index] == close { depth -= 1 }
            if depth == 0 { return String(text[text.index(after: first)..<index]) }
        }
        return nil
    }
}

/// The table of `Documentation/Architecture.md`.
struct ArchitectureTable {
    struct Row {
        let module: String
        let isThere: Bool
        let arrows: Set<String>
    }

    let rows: [Row]
    /// Libraries of the system, named below the table.
    let libraries: Set<String>

    subscript(module: String) -> Row? { rows.first { $0.module == module } }

    init(_ text: String) throws {
        var rows: [Row] = []
        for line in text.split(separator: "\n") {
            guard let match = line.wholeMatch(of: /\| `(\w+)`([^|]*)\|[^|]*\| (→ [^|]+|–) \|/) else { continue }
            var arrows = Set(match.output.3.matches(of: /[A-Z]\w+/).map { String($0.output) })
            if match.output.3.contains("all above") {
                arrows.formUnion(rows.filter { $0.isThere && !$0.module.isBehindSwift }.map(\.module))
            }
            rows.append(
                Row(
                    module: String(match.output.1), isThere: !match.output.2.contains("not there yet"), arrows: arrows))
        }
        self.rows = rows
        let paragraph = try #require(text.split(separator: "\n").first { $0.hasPrefix("Libraries of the system") })
        libraries = Set(paragraph.matches(of: /`(C[A-Z]\w+)`/).map { String($0.output.1) })
    }
}

extension String {
    /// Whether a module is C or C++, which only one Swift module sees.
    var isBehindSwift: Bool { ["CTorch", "CImages", "CGlyphs", "CVectors"].contains(self) }
}
