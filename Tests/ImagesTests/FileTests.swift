import Foundation
import Images
import Testing

@Suite struct FileTests {
    private let picture: Picture

    init() throws { picture = try Picture.noise(width: 40, height: 30, channels: 3, seed: 3) }

    @Test func theNameChoosesTheFormat() throws {
        try withTemporaryFolder { folder in
            for (name, format) in [("a.png", ImageFormat.png), ("b.JPG", .jpeg), ("c.jpeg", .jpeg), ("d.webp", .webp)] {
                try picture.write(to: "\(folder)/\(name)")
                #expect(ImageFormat(signature: try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) == format)
            }
            #expect(throws: ImageError.self) { try picture.write(to: "\(folder)/e.bmp") }
            #expect(throws: ImageError.self) { try picture.write(to: "\(folder)/png") }
            // Nothing is left over beside the files.
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                    "a.png", "b.JPG", "c.jpeg", "d.webp",
                ])
        }
    }

    @Test func anExistingFileIsReplacedAndALinkFollowed() throws {
        try withTemporaryFolder { folder in
            let (file, link) = ("\(folder)/a.png", "\(folder)/link.png")
            try Data("old".utf8).write(to: URL(filePath: file))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
            try picture.write(to: link, texts: [PNGText("key", "value")])
            #expect(try Picture(path: file) == picture)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file)
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o640)
        }
    }

    @Test func whereNothingCanBeWrittenTheSystemsReasonIsGiven() throws {
        try withTemporaryFolder { folder in
            let missing = "\(folder)/missing/a.png"
            #expect(
                throws: ImageError.unwritable("\(missing): cannot be written: No such file or directory")
            ) { try picture.write(to: missing) }
            try FileManager.default.createDirectory(atPath: "\(folder)/b.png", withIntermediateDirectories: true)
            #expect(throws: ImageError.unwritable("\(folder)/b.png: is a folder")) {
                try picture.write(to: "\(folder)/b.png")
            }
            try Data("old".utf8).write(to: URL(filePath: "\(folder)/file"))
            #expect(throws: ImageError.unwritable("\(folder)/file/a.png: cannot be written: Not a directory")) {
                try picture.write(to: "\(folder)/file/a.png")
            }
        }
    }

    @Test func aFileOfManyGigabytesIsNotReadIn() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/sparse.png"
            try Data(picture.pngData()).write(to: URL(filePath: path))
            #expect(truncate(path, 1 << 41) == 0)
            #expect(
                throws: ImageError.unreadable("\(path): is over 1073741824 bytes long, too much for a picture")
            ) { try Picture(path: path) }
        }
    }

    @Test func afterAFailureNothingIsLeftOver() throws {
        try withTemporaryFolder { folder in
            // The file beside it is written, but cannot take this name.
            let path = "\(folder)/\(String(repeating: "a", count: 300)).png"
            #expect(throws: ImageError.unwritable("\(path): cannot be written: File name too long")) {
                try picture.write(to: path)
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == [])
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func aFolderThatMayNotBeWrittenToIsReported() throws {
        try withTemporaryFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder)
            #expect(throws: ImageError.unwritable("\(folder)/a.png: cannot be written: Permission denied")) {
                try picture.write(to: "\(folder)/a.png")
            }
        }
    }

    #if os(Linux)
        @Test func aFullDiskIsReported() throws {
            #expect(throws: ImageError.unwritable("/dev/full: cannot be written: No space left on device")) {
                try writeFile(try picture.pngData(), to: "/dev/full")
            }
            // The device is written to, not replaced.
            var status = stat()
            #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        }
    #endif
}
