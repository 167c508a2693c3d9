import Checkpoints
import Foundation
import Models
import Moonlit
import Search
import Tensors

/// Which CLIP embeds: the one that was named, else the one an index was made by.
struct CLIPChoice {
    let path: String
    let identity: ModelIdentity

    /// - Throws: `CLIPChoiceError` where none is named and there is no index.
    init(_ named: String?, ofIndex folder: String) throws {
        if let named {
            path = try ModelSource(named).path()
        } else if FileManager.default.fileExists(atPath: folder + "/" + IndexManifest.fileName) {
            let recorded = try SearchIndex(folder).manifest.model.path
            guard let found = try Self.place(of: recorded) else {
                throw CLIPChoiceError(
                    description: "\(recorded), the CLIP that \(folder) was made by, is not there; say where it is with --clip")
            }
            path = found
        } else {
            throw CLIPChoiceError(description: "\(folder) is no index yet; say which CLIP makes it with --clip")
        }
        identity = try ModelIdentity(ofModelAt: path)
    }

    /// The path, or where the embedded model lies that it was before the program was moved; nil where there is neither.
    private static func place(of recorded: String) throws -> String? {
        if FileManager.default.fileExists(atPath: recorded) { return recorded }
        let file = URL(filePath: recorded)
        let name = file.deletingPathExtension().lastPathComponent
        guard file.deletingLastPathComponent().lastPathComponent == "Embedded", ModelSource.embeddedNames.contains(name)
        else { return nil }
        return try ModelSource.embedded(name).path()
    }

    func load(_ options: TextToImage.Options) throws -> any PictureTextModel {
        if let threads = options.threads { Engine.threads = threads }
        return try PictureTextModels.load(path, dtype: options.dtype, device: options.device)
    }
}

struct CLIPChoiceError: Error, CustomStringConvertible {
    let description: String
}
