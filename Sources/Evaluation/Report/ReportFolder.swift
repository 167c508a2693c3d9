internal import Foundation
public import Images

/// Where a report is written: as JSON, as Markdown, and as a picture where there is one.
public struct ReportFolder: Sendable {
    public let path: String

    /// Makes the folder.
    /// - Throws: `EvaluationError.folder`.
    public init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw EvaluationError.folder(path, problem: "cannot be made a folder")
        }
    }

    /// - Parameter name: of the files, without an extension; older ones are replaced.
    /// - Throws: `EvaluationError.folder` or `ImageError` where something cannot be written.
    public func write(_ report: some Encodable, markdown: String, plot: Picture?, as name: String) throws {
        try write(Self.json(report), to: name + ".json")
        try write(Data(markdown.utf8), to: name + ".md")
        if let plot { try plot.write(to: "\(path)/\(name).png") }
    }

    func write(_ data: Data, to name: String) throws {
        do {
            try data.write(to: URL(filePath: path + "/" + name), options: .atomic)
        } catch {
            throw EvaluationError.folder(path, problem: "cannot be written: \(error.localizedDescription)")
        }
    }

    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}
