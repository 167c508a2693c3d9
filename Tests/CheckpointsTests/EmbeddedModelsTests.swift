import Checkpoints
import Foundation
import Testing

struct EmbeddedModelsTests {
    @Test func modelsAreNamedByPathsOrNames() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/mine.safetensors"
        try Data().write(to: URL(filePath: file))
        for path in [file, folder.path] { #expect(EmbeddedModels.place(named: path) == path) }
        #expect(Set(["scenes-latent", "scenes-clip", "scenes-256"]).isSubset(of: EmbeddedModels.names))
        for name in EmbeddedModels.names {
            let place = try #require(EmbeddedModels.place(named: name))
            #expect(place == EmbeddedModels.path(of: name) && FileManager.default.fileExists(atPath: place))
        }
        for text in ["", "scenes-nothing", "../Embedded/scenes-latent", folder.path + "/none"] {
            #expect(EmbeddedModels.place(named: text) == nil, "\(text)")
            let error = #expect(throws: CheckpointError.self) { try EmbeddedModels.place(named: text, expected: "a model") }
            #expect(
                error?.description == "\(text): is no file or folder, and no embedded model's name; expected a model")
        }
    }
}
