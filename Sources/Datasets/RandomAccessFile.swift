import Foundation

/// A file read at any offset by any number of threads. Read, not mapped: a file that shrinks meanwhile gives an error
/// where a mapped one would end the process.
final class RandomAccessFile: Sendable {
    let path: String
    let size: UInt64
    /// Of a file that was written anew, another one.
    let identity: Identity
    private let descriptor: Int32

    init(path: String) throws(DatasetError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= 0 else {
            close(descriptor)
            throw .unreadable(path, reason: "it is no regular file")
        }
        self.path = path
        self.descriptor = descriptor
        size = UInt64(status.st_size)
        #if canImport(Darwin)
            let changed = status.st_mtimespec
        #else
            let changed = status.st_mtim
        #endif
        identity = Identity(
            file: UInt64(status.st_ino), size: size, seconds: Int(changed.tv_sec), nanoseconds: Int(changed.tv_nsec))
    }

    struct Identity: Sendable, Equatable {
        let file: UInt64
        let size: UInt64
        let seconds: Int
        let nanoseconds: Int
    }

    deinit { close(descriptor) }

    /// Exactly `count` bytes; never more memory than the file holds.
    func read(_ count: Int, at offset: UInt64) throws(DatasetError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else {
            throw .malformed(path, place: "byte \(offset)", reason: "\(count) bytes lie beyond the end, at \(size)")
        }
        var reached = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while reached < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + reached, count - reached, off_t(offset) + off_t(reached))
                if got < 0, errno == EINTR { continue }
                if got <= 0 { break }
                reached += got
            }
            initialized = reached
        }
        guard reached == count else {
            throw .malformed(path, place: "byte \(offset)", reason: "the file ended \(count - reached) bytes early")
        }
        return bytes
    }
}
