internal import Foundation
internal import Images

/// Numbered pictures in a folder: `00007.png` is the seventh after the first.
public struct PictureFolder: Sendable {
    public let path: String

    public init(_ path: String) { self.path = path }

    func path(of number: Int) -> String {
        let digits = String(number)
        return path + "/" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".png"
    }

    /// A picture that is there already.
    /// - Throws: `ImageError` for a damaged one.
    func picture(_ number: Int) throws -> Picture? {
        let path = path(of: number)
        return FileManager.default.fileExists(atPath: path) ? try Picture(path: path) : nil
    }

    func write(_ picture: Picture, _ number: Int, texts: [PNGText]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try picture.write(to: path(of: number), texts: texts)
    }

    /// All pictures of a folder that anybody filled, in order: by number where their names are numbers, else by name.
    ///
    /// - Throws: `EvaluationError.file` where there is none, or where numbers do not go on by one: each picture behind a gap
    ///   would be judged by another's prompt.
    public static func files(in folder: String) throws -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw EvaluationError.file(
                folder, problem: "is no folder that can be read", expected: "a folder of pictures, one a prompt")
        }
        let pictures = names.filter { !$0.hasPrefix(".") && ImageFormat(fileName: $0) != nil }
        guard !pictures.isEmpty else {
            throw EvaluationError.file(folder, problem: "holds no picture", expected: "PNG, JPEG or WebP, one a prompt")
        }
        let numbered = pictures.map { name in (number: Int(name.prefix { $0 != "." }), name: name) }
        guard numbered.allSatisfy({ $0.number != nil }) else { return pictures.sorted().map { folder + "/" + $0 } }
        let ordered = numbered.sorted { ($0.number ?? 0, $0.name) < ($1.number ?? 0, $1.name) }
        for (picture, next) in zip(ordered, ordered.dropFirst()) where (next.number ?? 0) &- (picture.number ?? 0) != 1 {
            throw EvaluationError.file(
                folder, problem: "has \(next.name) behind \(picture.name)", expected: "a picture of every number, and one each")
        }
        return ordered.map { folder + "/" + $0.name }
    }
}
