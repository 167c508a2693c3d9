internal import Checkpoints

extension AutoencoderFile {
    /// The one that a configuration names under a key.
    /// - Throws: `TrainingError.configuration`, with the key and what opening it says.
    init(_ path: String, key: String) throws {
        do { try self.init(path) } catch { throw TrainingError.configuration(key: key, problem: "\(error)") }
    }
}
