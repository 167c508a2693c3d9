import Foundation

/// Where a model comes from.
public enum ModelSource: Sendable, Hashable {
    /// The embedded model that is used unless another is named.
    case bundled
    /// An embedded model by its name.
    case embedded(String)
    /// A file of weights, or a folder as diffusers writes it.
    case file(String)

    /// What a user typed: the path of a file that is there, else an embedded model's name.
    public init(_ text: String) {
        self = FileManager.default.fileExists(atPath: text) ? .file(text) : .embedded(text)
    }

    /// What a user types for it: the path, or the embedded model's name.
    public var text: String {
        switch self {
        case .bundled: Self.standard
        case .embedded(let name): name
        case .file(let path): path
        }
    }

    static let standard = "scenes-latent"

    /// The names of the embedded models.
    public static var embeddedNames: [String] {
        guard let folder = folder() else { return [] }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(files.map { ($0 as NSString).deletingPathExtension }).filter { place(of: $0, in: folder) != nil }.sorted()
    }

    /// - Throws: `GenerationError.unknownModel`.
    public func path() throws -> String {
        switch self {
        case .bundled: return try ModelSource.embedded(Self.standard).path()
        case .file(let path): return path
        case .embedded(let name):
            guard !name.contains("/"), let folder = Self.folder(), let path = Self.place(of: name, in: folder) else {
                throw GenerationError.unknownModel(name, known: Self.embeddedNames)
            }
            return path
        }
    }

    /// An embedded model's file, or its folder as diffusers writes it.
    private static func place(of name: String, in folder: String) -> String? {
        for (path, proof) in [("\(folder)/\(name).safetensors", ""), ("\(folder)/\(name)", "/model_index.json")]
        where FileManager.default.fileExists(atPath: path + proof) { return path }
        return nil
    }

    /// Beside the program (`make install`, `swift build`), else in the source tree. `Bundle.module` would end the
    /// program where the folder is missing.
    private static func folder() -> String? {
        // The last two on macOS.
        let names = ["moonlit_Moonlit.resources", "moonlit_Moonlit.bundle", "moonlit_Moonlit.bundle/Contents/Resources"]
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        let homes = [program, Bundle.main.bundleURL, Bundle.main.resourceURL].compactMap { $0 }
        let places = homes.flatMap { home in names.map { home.appending(path: $0 + "/Embedded") } }
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Embedded")
        return (places + [source]).map(\.path).first { FileManager.default.fileExists(atPath: $0) }
    }
}
