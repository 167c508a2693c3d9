internal import Foundation

/// A folder that is seen whole: the old one, or the new one.
enum ReplacedFolder {
    private static let newMark = ".partial"
    private static let oldMark = ".replaced"

    /// Fills a folder beside the one that is there, which it then replaces with all that stands in it. Between the two
    /// there is none for a moment, and what a kill leaves then, the next call removes. A link stays one.
    ///
    /// The exchange is on the disk when it returns; that the contents are before is for `fill` to see to.
    ///
    /// - Throws: what `fill` throws, and `TrainingError.unwritable`; the old folder is then as it was.
    static func fill(_ path: String, _ fill: (String) throws -> Void) throws {
        let manager = FileManager.default
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let (new, old) = (place + newMark, place + oldMark)
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
            Durable.synchroniseFolder(URL(fileURLWithPath: place).deletingLastPathComponent().path)
            try? remove(old)
        } catch let error as CocoaError {
            throw TrainingError.unwritable(path, problem: error.localizedDescription)
        }
    }

    /// Removes what killed calls left in a folder.
    static func removeRemains(in folder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasSuffix(newMark) || name.hasSuffix(oldMark) {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }
}
