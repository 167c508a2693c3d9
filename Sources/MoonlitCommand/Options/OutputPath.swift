import ArgumentParser
import Foundation
import Images

/// Where something is to be written; tried before work begins, so that no hour is lost to a wrong name.
struct OutputPath: ExpressibleByArgument {
    let path: String

    init(_ path: String) { self.path = path }
    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        path = argument
    }

    /// - Throws: `ValidationError` where the name's ending is of no format written here.
    func checkFormat(_ option: String) throws {
        if ImageFormat(fileName: path) == nil {
            throw ValidationError("\(option) \(path): expected a name that ends in .png, .jpg, .jpeg or .webp.")
        }
    }

    /// - Throws: `UnwritableError`.
    func checkWritable() throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            if isFolder.boolValue { throw UnwritableError(path, "is a folder; give a file's name") }
            guard access(path, W_OK) == 0 else { throw UnwritableError(path, systemMessage()) }
        }
        let folder = (path as NSString).deletingLastPathComponent
        try Self.checkFolder(folder.isEmpty ? "." : folder, for: path)
    }

    /// Makes the folder where it is missing.
    /// - Throws: `UnwritableError`.
    func makeFolder() throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
            throw UnwritableError(path, "is a file; give a folder's name")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw UnwritableError(path, "cannot be made a folder: \(error.localizedDescription)")
        }
        try Self.checkFolder(path, for: path)
    }

    private static func checkFolder(_ folder: String, for path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            throw UnwritableError(path, "there is no folder \(folder)")
        }
        guard isFolder.boolValue else { throw UnwritableError(path, "\(folder) is no folder") }
        // Permissions tell root nothing, and not every file system takes new files.
        let probe = folder + "/.moonlit-" + String(UInt64.random(in: .min ... .max), radix: 36) + ".part"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UnwritableError(path, systemMessage()) }
        close(descriptor)
        unlink(probe)
    }
}

struct UnwritableError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    var description: String { "\(path): cannot be written: \(reason)" }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
