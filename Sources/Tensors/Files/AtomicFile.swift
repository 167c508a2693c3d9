#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Writes a file so that its path holds the old content or the whole new one, at any moment and after a crash.
package struct AtomicFile: ~Copyable {
    private let path: String
    /// With its slash at the end; empty for the current one.
    private let folder: String
    private let temporary: String
    private let descriptor: Int32
    private var finished = false

    /// Writes by way of a temporary file in the same folder, which is synchronised and renamed over `path`.
    ///
    /// Where `path` is a symbolic link, the file it points to is replaced. An existing file's permissions are kept.
    /// - Throws: what `body` throws, or `TensorFileError` of kind `unwritable`; the temporary file is then removed and
    ///   the old file left as it was.
    package static func replace(_ path: String, _ body: (borrowing AtomicFile) throws -> Void) throws {
        let file = try AtomicFile(path)
        try body(file)
        try file.finish()
    }

    private init(_ path: String) throws(TensorFileError) {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw TensorFileError(.unwritable, file: path, "is \(kind)", expected: "the path of a file")
        }
        var target = path
        if exists, let resolved = realpath(path, nil) {
            target = String(cString: resolved)
            free(resolved)
        }
        // By code units: a mark that begins a name is one character with the slash before it.
        let units = target.utf8
        let start = units.lastIndex(of: UInt8(ascii: "/")).map { units.index(after: $0) } ?? units.startIndex
        let folder = String(target[..<start])
        // The system counts bytes, 255 at most.
        var stem = target[start...].prefix(100)
        while stem.utf8.count > 100 { stem.removeLast() }
        var descriptor: Int32 = -1
        var temporary = ""
        for _ in 0..<100 {
            let suffix = String(UInt32.random(in: 0...UInt32.max), radix: 36)
            temporary = "\(folder).\(stem).\(suffix).partial"
            descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 || errno != EEXIST { break }
        }
        guard descriptor >= 0 else {
            let code = errno
            let place = printable(folder.isEmpty ? "." : folder)
            throw Self.refusal(path, "no file can be made in the folder \(place)", code)
        }
        if exists { fchmod(descriptor, status.st_mode & 0o7777) }
        self.path = target
        self.folder = folder
        self.temporary = temporary
        self.descriptor = descriptor
    }

    /// Appends all of `bytes`.
    package borrowing func append(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Linux writes at most 2 GiB a call, macOS refuses more.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            let written = write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw Self.refusal(path, "cannot be written", errno)
            }
            rest = rest.dropFirst(written)
        }
    }

    private consuming func finish() throws(TensorFileError) {
        guard fsync(descriptor) == 0 else {
            throw Self.refusal(path, "cannot be synchronised", errno)
        }
        guard rename(temporary, path) == 0 else {
            throw Self.refusal(path, "cannot be put in its place", errno)
        }
        finished = true
        // The rename itself reaches the disk with the folder; where a folder cannot be opened, the system decides when.
        let handle = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }

    /// - Parameter code: the system's error number, taken before anything else can change it.
    private static func refusal(_ path: String, _ problem: String, _ code: Int32) -> TensorFileError {
        TensorFileError(.unwritable, file: path, "\(problem): \(systemMessage(code))")
    }

    deinit {
        close(descriptor)
        if !finished { unlink(temporary) }
    }
}
