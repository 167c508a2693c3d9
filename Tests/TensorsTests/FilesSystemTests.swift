import Foundation
import Tensors
import Testing

/// What the system may refuse: paths, permissions, space.
@Suite struct FilesSystemTests {
    @Test func mapsAFile() throws {
        let folder = try TemporaryFolder()
        let file = try MappedFile(folder.write([1, 2, 3]))
        #expect(file.count == 3)
        #expect(file.withBytes { Array($0) } == [1, 2, 3])
        let empty = try MappedFile(folder.write([], to: "empty"))
        #expect(empty.count == 0)
        #expect(empty.withBytes { $0.isEmpty })
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for (path, problem) in [
            (folder.path + "/missing", "No such file"), (folder.path, "is a folder"), (pipe, "not a regular file"),
            ("", "No such file"),
        ] {
            let error = #expect(throws: TensorFileError.self) { try MappedFile(path) }
            #expect(error?.kind == .unreadable)
            #expect(error?.description.contains(problem) == true)
        }
        let path = try folder.write([1])
        #expect(chmod(path, 0) == 0)
        if access(path, R_OK) != 0 {  // root may read it all the same
            let error = #expect(throws: TensorFileError.self) { try MappedFile(path) }
            #expect(error?.description.contains("ermission") == true)
        }
    }

    @Test func noticesAFileCutShort() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(contents(fixture("types.safetensors")))
        let archive = try TensorArchive.open(path)
        #expect(truncate(path, 100) == 0)
        let error = #expect(throws: TensorFileError.self) { try archive.elements("bool", as: UInt8.self) }
        #expect(error?.problem == "was cut short after it was opened, to 100 bytes")
    }

    @Test func keepsTheOldMappingWhenAFileIsReplaced() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(contents(fixture("types.safetensors")))
        let archive = try TensorArchive.open(path)
        try Safetensors.write([], to: path)
        #expect(try archive.elements("uint8") == [0, 255, 7 as UInt8])
        #expect(try TensorArchive.open(path).entries.isEmpty)
    }

    @Test func writesThroughLinksAndKeepsPermissions() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1])
        #expect(chmod(path, 0o640) == 0)
        #expect(symlink("file", folder.path + "/link") == 0)
        try Safetensors.write([], to: folder.path + "/link")
        #expect(try contents(path) == contents(fixture("none.safetensors")))
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/link") == "file")
    }

    /// Of 240 and of 255 bytes, the most there can be; and one that begins with a mark, which joins the slash before it.
    @Test func writesUnusualNames() throws {
        let folder = try TemporaryFolder()
        let names = [String(repeating: "界", count: 80), String(repeating: "界", count: 85), "\u{301}accent"]
        for name in names {
            let path = folder.path + "/" + name
            try Safetensors.write([], to: path)
            #expect(try TensorArchive.open(path).entries.isEmpty)
        }
        #expect(try folder.contents.count == names.count)
    }

    @Test func refusesPathsThatCannotBeWritten() throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.path + "/none/file", "/dev/null", ""] {
            let error = #expect(throws: TensorFileError.self) { try Safetensors.write([], to: path) }
            #expect(error?.kind == .unwritable)
            #expect(error?.file == path)
        }
        #expect(try folder.contents.isEmpty)
    }

    #if os(Linux)
    /// Whether this process may mount disks: root outside most containers.
    static let mayMount: Bool = {
        guard let folder = try? TemporaryFolder(), mount("tmpfs", folder.path, "tmpfs", 0, "size=65536") == 0 else {
            return false
        }
        return umount(folder.path) == 0
    }()

    /// On a disk of 64 KiB.
    @Test(.enabled(if: mayMount, "needs the right to mount a small disk")) func leavesTheOldFileOnAFullDisk() throws {
        let folder = try TemporaryFolder()
        try #require(mount("tmpfs", folder.path, "tmpfs", 0, "size=65536") == 0)
        defer { umount(folder.path) }
        let path = try folder.write([1, 2, 3])
        let item = Safetensors.Item(name: "large", dtype: .uint8, shape: [1 << 20]) { sink in
            try [UInt8](repeating: 7, count: 1 << 20).withUnsafeBytes(sink)
        }
        let error = #expect(throws: TensorFileError.self) { try Safetensors.write([item], to: path) }
        #expect(error?.kind == .unwritable)
        #expect(error?.description == "\(path): cannot be written: No space left on device")
        #expect(try contents(path) == [1, 2, 3])
        #expect(try folder.contents == ["file"])
    }
    #endif
}
