internal import Foundation
internal import Tensors

/// Files that are on the disk when a function returns.
enum Durable {
    /// The old content or the whole new one.
    /// - Throws: `TensorFileError` of kind `unwritable`.
    static func write(_ data: Data, to path: String) throws {
        try AtomicFile.replace(path) { file in try data.withUnsafeBytes { try file.append($0) } }
    }

    static func synchroniseFolder(_ path: String) {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}

/// A file that lines or records are appended to.
final class AppendedFile {
    private let handle: FileHandle
    private let path: String

    /// - Throws: `TrainingError.unwritable`.
    init(_ path: String) throws {
        self.path = path
        if !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw TrainingError.unwritable(path, problem: "it cannot be made")
            }
        }
        guard let handle = FileHandle(forUpdatingAtPath: path) else {
            throw TrainingError.unwritable(path, problem: "it cannot be opened")
        }
        self.handle = handle
        do {
            _ = try handle.seekToEnd()
        } catch {
            throw TrainingError.unwritable(path, problem: error.localizedDescription)
        }
    }

    deinit { try? handle.close() }

    func append(_ bytes: [UInt8]) throws {
        do {
            try handle.write(contentsOf: Data(bytes))
        } catch {
            throw TrainingError.unwritable(path, problem: error.localizedDescription)
        }
    }
}

/// Keeps a second process out of a run's folder; the system lets go of it when the process ends, however it ends.
final class FolderLock {
    private let descriptor: Int32

    /// - Throws: `TrainingError.folder` where another run holds it.
    init(_ folder: String) throws {
        let path = folder + "/.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw TrainingError.unwritable(path, problem: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw TrainingError.folder(folder, problem: "another run is at work here; stop it, or choose another folder")
        }
    }

    deinit { close(descriptor) }
}
