internal import Foundation
internal import Scenes

/// A line of JSON a picture, written as pictures are judged.
struct ScoreLog {
    private let path: String
    private let file: FileHandle

    /// Begins anew: pictures that are there already are judged again.
    /// - Throws: `EvaluationError.folder`.
    init(_ path: String) throws {
        self.path = path
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw EvaluationError.folder(folder, problem: "cannot be made a folder")
        }
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { throw EvaluationError.folder(path, problem: "cannot be written") }
        self.file = file
    }

    private struct Line: Encodable {
        let picture: Int
        let prompt: String
        let seed: UInt64
        let rank: Double
        let first: Double
        let parts: [String: Double]
        let similarity: Double
    }

    mutating func append(_ verdict: Verdict, number: Int, prompt: String, seed: UInt64) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            picture: number, prompt: prompt, seed: seed, rank: verdict.rank, first: verdict.first,
            parts: Dictionary(uniqueKeysWithValues: verdict.parts.map { ($0.rawValue, $1) }),
            similarity: verdict.similarity)
        do {
            try file.write(contentsOf: encoder.encode(line) + Data("\n".utf8))
        } catch {
            throw EvaluationError.folder(path, problem: "cannot be written: \(error.localizedDescription)")
        }
    }
}
