internal import Foundation
internal import Tensors

/// A file that bytes are added to, with a checksum of all of them.
final class GrowingFile {
    let path: String
    private(set) var extent: IndexManifest.Extent
    private let descriptor: Int32

    /// Opens it, or makes it where nothing of it counts; what lies beyond `extent` is cut off.
    /// - Throws: `SearchError.damaged` where it is shorter or other bytes than `extent` says; `SearchError.unwritable`.
    init(_ path: String, extent: IndexManifest.Extent) throws {
        self.path = path
        self.extent = extent
        if extent.bytes > 0 {
            let file = try MappedFile(path)
            guard file.count >= extent.bytes else {
                throw SearchError.damaged(path, problem: "\(file.count) bytes, where there were \(extent.bytes)")
            }
            var crc = CRC32C()
            file.withBytes { crc.update(UnsafeRawBufferPointer(rebasing: $0[..<extent.bytes])) }
            guard crc.value == extent.crc32c else {
                throw SearchError.damaged(path, problem: "its bytes are not those that were written")
            }
        }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.refusal(path) }
        guard ftruncate(descriptor, off_t(extent.bytes)) == 0, lseek(descriptor, 0, SEEK_END) == off_t(extent.bytes) else {
            let error = Self.refusal(path)
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// - Throws: `SearchError.unwritable`.
    func append(_ bytes: UnsafeRawBufferPointer) throws(SearchError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            let written = write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw Self.refusal(path)
            }
            rest = rest.dropFirst(written)
        }
        var crc = CRC32C(continuing: extent.crc32c)
        crc.update(bytes)
        extent.crc32c = crc.value
        extent.bytes += bytes.count
    }

    /// - Throws: `SearchError.unwritable`.
    func synchronise() throws(SearchError) {
        guard fsync(descriptor) == 0 else { throw Self.refusal(path) }
    }

    private static func refusal(_ path: String) -> SearchError {
        .unwritable(path, problem: String(cString: strerror(errno)))
    }
}

/// Keeps a second process from writing to an index; the system lets go of it when the process ends, however it ends.
final class IndexLock {
    private let descriptor: Int32

    /// - Throws: `SearchError.unwritable`, also where another process is at work.
    init(_ folder: String) throws(SearchError) {
        let path = folder + "/.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .unwritable(path, problem: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .unwritable(folder, problem: "another program is adding pictures to it")
        }
    }

    deinit { close(descriptor) }
}
