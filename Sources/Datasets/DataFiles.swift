import Foundation

/// Where the files of the built-in sets lie: the folder named by `MOONLIT_DATA`, then the places in which systems'
/// packages put them.
public struct DataFiles: Sendable {
    public enum File: Sendable, CaseIterable {
        case emojiFont, emojiGroups, annotations, derivedAnnotations
    }

    /// Searched first, where given. Files may lie in it directly or by the last two parts of their paths.
    public var folder: String?
    public var searchesSystem = true

    /// With the folder that the environment's `MOONLIT_DATA` names.
    public init() { folder = ProcessInfo.processInfo.environment["MOONLIT_DATA"] }

    /// - Parameter searchesSystem: whether the system's places are looked at after the folder.
    public init(folder: String?, searchesSystem: Bool = true) {
        self.folder = folder
        self.searchesSystem = searchesSystem
    }

    /// - Throws: `DatasetError.missing`, which says what to install.
    public func path(of file: File) throws(DatasetError) -> String {
        let candidates =
            (folder.map { own in file.names.map { own + "/" + $0 } } ?? []) + (searchesSystem ? file.places : [])
        for path in candidates where FileManager.default.isReadableFile(atPath: path) { return path }
        throw .missing(
            file.names[0],
            remedy: "install the package \(file.package) (apt-get install \(file.package)), "
                + "or set MOONLIT_DATA to a folder that holds it")
    }
}

extension DataFiles.File {
    var package: String {
        switch self {
        case .emojiFont: "fonts-noto-color-emoji"
        case .emojiGroups: "unicode-data"
        case .annotations, .derivedAnnotations: "unicode-cldr-core"
        }
    }

    /// Relative to `MOONLIT_DATA`, the best first.
    var names: [String] {
        switch self {
        case .emojiFont: ["NotoColorEmoji.ttf"]
        case .emojiGroups: ["emoji-test.txt", "emoji/emoji-test.txt"]
        case .annotations: ["annotations/en.xml", "common/annotations/en.xml"]
        case .derivedAnnotations: ["annotationsDerived/en.xml", "common/annotationsDerived/en.xml"]
        }
    }

    /// Debian and Ubuntu first, then Fedora, Arch and Homebrew.
    var places: [String] {
        switch self {
        case .emojiFont:
            [
                "/usr/share/fonts/truetype/noto", "/usr/share/fonts/google-noto-emoji",
                "/usr/share/fonts/google-noto-color-emoji-fonts", "/usr/share/fonts/noto", "/usr/local/share/fonts",
                NSHomeDirectory() + "/Library/Fonts", "/Library/Fonts",
            ].map { $0 + "/NotoColorEmoji.ttf" }
        case .emojiGroups:
            ["/usr/share", "/usr/local/share", "/opt/homebrew/share"].map { $0 + "/unicode/emoji/emoji-test.txt" }
        case .annotations, .derivedAnnotations:
            ["/usr/share", "/usr/local/share", "/opt/homebrew/share"].map { "\($0)/unicode/cldr/\(names[1])" }
        }
    }

    /// No file of these kinds is larger; a larger one is not what its name says.
    var largest: Int {
        switch self {
        case .emojiFont: 64 << 20
        default: 16 << 20
        }
    }
}

/// A whole small file, refused before it is read where it is larger than its kind can be, or no regular file.
func contents(of path: String, atMost limit: Int) throws(DatasetError) -> [UInt8] {
    let file = try RandomAccessFile(path: path)
    guard file.size <= UInt64(limit) else {
        throw .unreadable(path, reason: "\(file.size) bytes, where at most \(limit) were expected")
    }
    return try file.read(Int(file.size), at: 0)
}
