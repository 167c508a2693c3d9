internal import Foundation

/// A folder that is seen whole: the old one, or the new one.
enum ReplacedFolder {
    /// Fills a folder beside the one that is there, which it then replaces with all that stands in it. Between the two
    /// there is none for a moment, and what a kill leaves then, the next call removes. A link stays one.
    ///
    /// - Throws: what `fill` throws, and `TrainingError.unwritable`; the old folder is then as it was.
    static func fill(_ path: String, _ fill: (String) throws -> Void) throws {
        let manager = FileManager.default
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let (new, old) = (place + ".partial", place + ".old")
        func remove(_ path: String) throws { if manager.fileExists(atPath: path) { try manager.removeItem(atPath: path) } }
        do {
            try remove(new)
            defer { try? remove(new) }
            try fill(new)
            try remove(old)
            let replaces = manager.fileExists(atPath: place)
            if replaces { try manager.moveItem(atPath: place, toPath: old) }
            do {
                try manager.moveItem(atPath: new, toPath: place)
            } catch {
                if replaces { try? manager.moveItem(atPath: old, toPath: place) }
                throw error
            }
            try remove(old)
        } catch let error as CocoaError {
            throw TrainingError.unwritable(path, problem: error.localizedDescription)
        }
    }
}
