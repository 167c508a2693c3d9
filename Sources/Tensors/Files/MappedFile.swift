#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A file's bytes in memory, read-only, without reading them: pages come from the disk when touched.
///
/// A file replaced by renaming another over it (as ``Safetensors/write(_:metadata:to:)`` does) leaves this mapping as
/// it was. A file cut short in place does not: touching a page past the new end ends the process with `SIGBUS`, and no
/// library code can prevent that without copying. `checkLength()` finds it when asked before the bytes are used; a
/// file cut during the use is beyond it. Do not overwrite weight files in place.
public final class MappedFile: Sendable {
    public let path: String
    /// The file's length in bytes when it was opened.
    public let count: Int
    private let descriptor: Int32
    private nonisolated(unsafe) let start: UnsafeRawPointer?

    /// Maps a regular file; an empty one gives no bytes.
    /// - Throws: `TensorFileError` of kind `unreadable` for a missing file, a folder, a device, no permission.
    public init(_ path: String) throws(TensorFileError) {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw TensorFileError(.unreadable, file: path, "cannot be opened: \(systemMessage(code))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw TensorFileError(.unreadable, file: path, "cannot be examined: \(systemMessage(code))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw TensorFileError(.unreadable, file: path, "is \(kind)", expected: "a file of weights")
        }
        let count = Int(status.st_size)
        var start: UnsafeRawPointer?
        if count > 0 {
            guard let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
                let code = errno
                close(descriptor)
                throw TensorFileError(.unreadable, file: path, "cannot be mapped: \(systemMessage(code))")
            }
            start = UnsafeRawPointer(mapped)
        }
        self.path = path
        self.count = count
        self.descriptor = descriptor
        self.start = start
    }

    deinit {
        if let start { munmap(UnsafeMutableRawPointer(mutating: start), count) }
        close(descriptor)
    }

    /// The whole file. The pointer is valid as long as this object lives, so also after `body` for one who keeps it.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Lets the system take back the memory of whole pages within a range, which is read again from the disk if it is
    /// touched again.
    package func release(_ range: Range<Int>) {
        guard let start, range.lowerBound >= 0, range.upperBound <= count else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard page > 0 else { return }
        let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        if first < end { madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED) }
    }

    /// Looks whether the file still has all the bytes that were mapped.
    public func checkLength() throws(TensorFileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) >= count else {
            throw TensorFileError(
                .unreadable, file: path, "was cut short after it was opened, to \(status.st_size) bytes",
                expected: "\(count) bytes")
        }
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}
