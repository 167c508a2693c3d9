internal import Foundation

/// A folder that is seen whole: the old one, or the new one.
enum ReplacedFolder {
    /// Fills a folder beside the one that is there, and then takes its place. Between the two there is none for a moment,
    /// and what a kill leaves there, the next call removes.
    ///
    /// - Throws: what `fill` throws, and `TrainingError.unwritable`; the old folder is then as it was.
    static func fill(_ path: String, _ fill: (String) throws -> Void) throws {
        let manager = FileManager.default
        let (new, old) = (path + ".partial", path + ".old")
        func remove(_ path: String) throws { if manager.fileExists(atPath: path) { try manager.removeItem(atPath: path) } }
        do {
            try remove(new)
            try fill(new)
            try remove(old)
            if manager.fileExists(atPath: path) { try manager.moveItem(atPath: path, toPath: old) }
            try manager.moveItem(atPath: new, toPath: path)
            try remove(old)
        } catch let error as CocoaError {
            throw TrainingError.unwritable(path, problem: error.localizedDescription)
        }
    }
}
