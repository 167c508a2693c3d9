internal import Checkpoints

/// Opens a model that a configuration names under a key.
/// - Throws: `TrainingError.configuration`, with the key and what opening it says.
func named<Model>(under key: String, _ open: () throws -> Model) throws -> Model {
    do { return try open() } catch { throw TrainingError.configuration(key: key, problem: "\(error)") }
}

extension AutoencoderFile {
    /// The one that a configuration names under a key: by its path, or by an embedded model's name.
    /// - Throws: `TrainingError.configuration`.
    init(_ text: String, key: String) throws {
        self = try named(under: key) {
            try AutoencoderFile(
                EmbeddedModels.place(
                    named: text,
                    expected: "a diffusers folder, of an autoencoder or of a whole model, a file with latent diffusion's keys, "
                        + "or an embedded model's name, such as scenes-latent"))
        }
    }
}

extension TextTowerFolder {
    /// The one that a configuration names under a key: by its path, or by an embedded model's name.
    /// - Throws: `TrainingError.configuration`.
    init(_ text: String, key: String) throws {
        self = try named(under: key) {
            try TextTowerFolder(
                EmbeddedModels.place(
                    named: text,
                    expected: "a model's folder as diffusers writes it, or an embedded one's name, such as scenes-latent"))
        }
    }
}
