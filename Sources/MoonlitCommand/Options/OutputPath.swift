import ArgumentParser
import Foundation
import Images
import Moonlit

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

    /// What cannot be written there as one picture is refused before anything is drawn.
    ///
    /// - Parameters:
    ///   - what: is to be on it, as "9 pictures of 64×64".
    ///   - option: names the file.
    ///   - size: of the whole, in pixels.
    /// - Throws: `GenerationError.invalid` where there can be no such picture, or the file's format holds none so large.
    func checkHolds(_ what: String, option: String, size: () throws -> (width: Int, height: Int)) throws {
        guard let whole = try? size() else {
            throw GenerationError.invalid(
                option: option, value: "of \(what)", expected: "fewer or smaller ones, or no --\(option)")
        }
        guard let format = ImageFormat(fileName: path), !format.holds(width: whole.width, height: whole.height) else {
            return
        }
        throw GenerationError.invalid(
            option: option, value: "of \(what), \(whole.width)×\(whole.height) pixels in all",
            expected: "at most \(grouped(format.largestSide)) a side, as \(format.rawValue) holds: fewer or smaller ones, "
                + "or a name that ends in .png")
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
