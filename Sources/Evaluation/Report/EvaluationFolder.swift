internal import Foundation
internal import Images

/// An evaluation's folder: what its pictures were made with, and what was found.
///
/// `settings.json` says what decides the pictures; `evaluation.json`, `evaluation.md` and `evaluation.png` what was
/// found; `prompts-SET.txt` the prompts, a line each; and a folder a set holds pictures and scores.
public struct EvaluationFolder: Sendable {
    public let path: String

    /// Makes the folder, or goes on in one that was made with the same settings.
    ///
    /// - Parameter settings: everything that decides what a picture looks like.
    /// - Throws: `EvaluationError.folder` where it holds pictures of other settings.
    public init(_ path: String, settings: some Encodable) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw EvaluationError.folder(path, problem: "cannot be made a folder")
        }
        let own = try Self.json(settings)
        let file = path + "/settings.json"
        if let there = FileManager.default.contents(atPath: file) {
            guard there == own else {
                throw EvaluationError.folder(
                    path, problem: "holds pictures of other settings (see its settings.json); choose another folder, or "
                        + "remove it")
            }
        } else {
            try Self.write(own, to: file)
        }
    }

    /// Where a set's pictures of one guidance scale are.
    public func pictures(of set: String, guidanceScale: Double?) -> String {
        let own = path + "/" + set
        return guidanceScale.map { own + "/guidance-\($0)" } ?? own
    }

    /// Writes `evaluation.json`, `evaluation.md` and, where there is something to show, `evaluation.png`.
    public func write(_ report: EvaluationReport) throws {
        try Self.write(try Self.json(report), to: path + "/evaluation.json")
        try Self.write(Data(report.markdown.utf8), to: path + "/evaluation.md")
        if let plot = try report.plot() { try plot.write(to: path + "/evaluation.png") }
    }

    /// Writes a set's prompts, so that others can draw them: line k is picture k's.
    public func write(_ set: PromptSet) throws {
        try Self.write(Data((set.texts.joined(separator: "\n") + "\n").utf8), to: path + "/prompts-\(set.name).txt")
    }

    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    private static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw EvaluationError.folder(path, problem: "cannot be written: \(error.localizedDescription)")
        }
    }
}
