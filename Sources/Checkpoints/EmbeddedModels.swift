internal import Foundation

/// The models that come with the package, among `Moonlit`'s resources.
package enum EmbeddedModels {
    /// In order; none where the resources are not there.
    package static var names: [String] {
        guard let folder = folder() else { return [] }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(files.map { ($0 as NSString).deletingPathExtension }).filter { place(of: $0, in: folder) != nil }.sorted()
    }

    /// A model's file, or its folder as diffusers writes it; nil where none has that name.
    package static func path(of name: String) -> String? {
        guard !name.contains("/"), let folder = folder() else { return nil }
        return place(of: name, in: folder)
    }

    /// Where a model lies as commands and configurations name it: the path of a file or folder that is there, else an
    /// embedded model's name.
    ///
    /// - Returns: nil where it is neither.
    package static func place(named text: String) -> String? {
        FileManager.default.fileExists(atPath: text) ? text : path(of: text)
    }

    /// The same, where there has to be one.
    ///
    /// - Parameter expected: what would do.
    /// - Throws: `CheckpointError` where it is neither.
    package static func place(named text: String, expected: String) throws -> String {
        guard let found = place(named: text) else {
            throw CheckpointError(text, "is no file or folder, and no embedded model's name", expected: expected)
        }
        return found
    }

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
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return (places + [sources.appending(path: "Moonlit/Embedded")]).map(\.path)
            .first { FileManager.default.fileExists(atPath: $0) }
    }
}
