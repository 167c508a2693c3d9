package import Foundation

/// Finds and reads the files in `Vocabularies`.
///
/// `Bundle.module` ends the process when the resources are missing, so it is not used: the same places are searched
/// here, and failing is an error.
package enum VocabularyFolder {
    package static let bundleName = "moonlit_Tokenizers.resources"

    private final class Anchor {}

    /// Where the files may be, most likely first: beside the executable (its own folder, not a link's), in `share` next
    /// to its `bin`, in an application's or test bundle's resources, and in the source tree the program was built from.
    package static var candidates: [URL] {
        let main = Bundle.main
        let code = Bundle(for: Anchor.self)
        var homes: [URL] = []
        if let executable = main.executableURL?.resolvingSymlinksInPath() {
            let folder = executable.deletingLastPathComponent()
            homes += [folder, folder.deletingLastPathComponent().appendingPathComponent("share/moonlit")]
        }
        homes += [main.bundleURL, main.resourceURL, code.resourceURL, code.bundleURL.deletingLastPathComponent()]
            .compactMap { $0 }
        var found: [URL] = []
        for home in homes {
            for name in [bundleName, "moonlit_Tokenizers.bundle", "moonlit_Tokenizers.bundle/Contents/Resources"] {
                found.append(home.appendingPathComponent(name).appendingPathComponent("Vocabularies"))
            }
        }
        found.append(URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Vocabularies"))
        return found
    }

    /// The bytes of the first `file` found.
    package static func read(_ file: String, in folders: [URL] = candidates) throws(TokenizerError) -> [UInt8] {
        for folder in folders {
            let url = folder.appendingPathComponent(file)
            guard FileManager.default.fileExists(atPath: url.path) else { continue }
            do {
                return [UInt8](try Data(contentsOf: url))
            } catch {
                throw .damagedVocabulary(file: url.path, line: 0, reason: "it cannot be read: \(error)")
            }
        }
        var searched: [String] = []
        for folder in folders where !searched.contains(folder.path) { searched.append(folder.path) }
        throw .missingVocabulary(file: file, searched: searched)
    }
}
