#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// No picture worth reading is larger; what is, is not taken into memory.
let maximumFileBytes = 1 << 30

/// The whole of a file.
func readFile(_ path: String) throws(ImageError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable("\(path): cannot be opened: \(systemMessage())") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable("\(path): cannot be read: \(systemMessage())") }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .unreadable("\(path): is a folder, not a picture") }
    let tooLarge = ImageError.unreadable("\(path): is over \(maximumFileBytes) bytes long, too much for a picture")
    guard status.st_size <= maximumFileBytes else { throw tooLarge }

    // A regular file is read at once; a pipe, whose size is unknown, in steps.
    let step = status.st_mode & S_IFMT == S_IFREG ? max(Int(status.st_size), 1) + 1 : 1 << 16
    var bytes: [UInt8] = []
    while true {
        var failed = false
        let piece = [UInt8](unsafeUninitializedCapacity: step) { buffer, initialized in
            var count = -1
            repeat { count = read(descriptor, buffer.baseAddress, step) } while count < 0 && errno == EINTR
            failed = count < 0
            initialized = max(count, 0)
        }
        guard !failed else { throw .unreadable("\(path): cannot be read: \(systemMessage())") }
        if piece.isEmpty { return bytes }
        guard bytes.count + piece.count <= maximumFileBytes else { throw tooLarge }
        if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
}

/// Replaces the file at `path` by `bytes`, or leaves it as it was: a file beside it is written, synchronised with
/// the disk and renamed. A device or pipe is written to directly. A link is followed.
package func writeFile(_ bytes: [UInt8], to path: String) throws(ImageError) {
    var target = path
    var mode: mode_t?
    var status = stat()
    if stat(path, &status) == 0 {
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            mode = status.st_mode & 0o7777
            if let resolved = realpath(path, nil) {
                target = String(cString: resolved)
                free(resolved)
            }
        case S_IFDIR: throw .unwritable("\(path): is a folder")
        default: return try writeThrough(bytes, to: path)
        }
    }

    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
    let temporary = folder + ".moonlit-" + String(UInt64.random(in: .min ... .max), radix: 36) + ".part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable("\(path): cannot be written: \(systemMessage())") }
    if let mode { fchmod(descriptor, mode) }
    var written = writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
    var reason = written ? "" : systemMessage()
    if close(descriptor) != 0, written { (written, reason) = (false, systemMessage()) }
    if written, rename(temporary, target) != 0 { (written, reason) = (false, systemMessage()) }
    guard written else {
        unlink(temporary)
        throw .unwritable("\(path): cannot be written: \(reason)")
    }
    // So that the new name outlives a power cut as well; not every file system can, and the file is there.
    let parent = open(folder, O_RDONLY | O_CLOEXEC)
    if parent >= 0 {
        fsync(parent)
        close(parent)
    }
}

private func writeThrough(_ bytes: [UInt8], to path: String) throws(ImageError) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unwritable("\(path): cannot be written: \(systemMessage())") }
    var written = writeAll(bytes, to: descriptor)
    var reason = written ? "" : systemMessage()
    if close(descriptor) != 0, written { (written, reason) = (false, systemMessage()) }
    guard written else { throw .unwritable("\(path): cannot be written: \(reason)") }
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                guard errno == EINTR else { return false }
            } else {
                rest = rest.dropFirst(count)
            }
        }
        return true
    }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
