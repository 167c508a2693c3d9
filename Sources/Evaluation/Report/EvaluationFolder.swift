internal import Foundation
internal import Images

/// An evaluation's folder: what its pictures were made with, and what was found.
///
/// `settings.json` says what decides the pictures; `evaluation.json`, `evaluation.md` and `evaluation.png` what was
/// found; `prompts-SET.txt` the prompts, a line each; and a folder a set holds pictures and scores.
public struct EvaluationFolder: Sendable {
    public var path: String { folder.path }
    private let folder: ReportFolder

    /// Makes the folder, or goes on in one that was made with the same settings.
    ///
    /// - Parameter settings: everything that decides what a picture looks like.
    /// - Throws: `EvaluationError.folder` where it holds pictures of other settings.
    public init(_ path: String, settings: some Encodable) throws {
        folder = try ReportFolder(path)
        let own = try ReportFolder.json(settings)
        let file = path + "/settings.json"
        if let there = FileManager.default.contents(atPath: file) {
            guard there == own else {
                throw EvaluationError.folder(
                    path, problem: "holds pictures of other settings (see its settings.json); choose another folder, or "
                        + "remove it")
            }
        } else {
            try folder.write(own, to: "settings.json")
        }
    }

    /// Where a set's pictures of one scale of guidance are, or of guidance by CLIP besides.
    public func pictures(of set: String, guidanceScale: Double?, clipGuidance: Double? = nil) -> String {
        let own = path + "/" + set
        return guidanceScale.map { "\(own)/guidance-\($0)" + (clipGuidance.map { "-clip-\($0)" } ?? "") } ?? own
    }

    /// Writes `evaluation.json`, `evaluation.md` and, where there is something to show, `evaluation.png`.
    public func write(_ report: EvaluationReport) throws {
        try folder.write(report, markdown: report.markdown, plot: report.plot(), as: "evaluation")
    }

    /// Writes a set's prompts, so that others can draw them: line k is picture k's.
    ///
    /// - Throws: `EvaluationError.folder` where pictures of other prompts are there; there may be more or fewer of the same.
    public func write(_ set: PromptSet) throws {
        let name = "prompts-\(set.name).txt"
        if FileManager.default.fileExists(atPath: path + "/" + set.name),
            let text = try? String(contentsOfFile: path + "/" + name, encoding: .utf8)
        {
            let there = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if let (line, (old, new)) = zip(1..., zip(there, set.texts)).first(where: { $0.1.0 != $0.1.1 }) {
                throw EvaluationError.folder(
                    path, problem: "holds pictures of other prompts (line \(line) of \(name) is \"\(old)\", now \"\(new)\"); "
                        + "choose another folder, or remove it")
            }
            guard set.texts.count > there.count else { return }
        }
        try folder.write(Data((set.texts.joined(separator: "\n") + "\n").utf8), to: name)
    }
}
