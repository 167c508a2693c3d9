import Datasets
import Foundation
import Images
import Testing

/// What examples are called, and how it shows that they have changed.
@Suite struct IdentityTests {
    private func keysAgree(_ set: any CaptionedPictures) throws {
        for index in 0..<set.count {
            #expect(try set.identity(at: index).key == set.example(at: index, variation: 0).key)
            #expect(try set.identity(at: index) == set.identity(at: index))
        }
        #expect(throws: (any Error).self) { try set.identity(at: set.count) }
        #expect(throws: (any Error).self) { try set.identity(at: -1) }
    }

    @Test func namesAreThoseOfTheExamples() throws {
        let folder = try FolderSet(folder: fixtures + "/folder")
        let tar = try TarShards(paths: [fixtures + "/pax.tar"])
        try keysAgree(folder)
        try keysAgree(tar)
        try keysAgree(Subset(folder, indices: [3, 1]))
        try keysAgree(Excerpt(of: folder, count: 2))
        try keysAgree(Mixture([(folder, 1), (NumberedSet(count: 4), 1)]))
        #expect(try Subset(folder, indices: [3, 1]).identity(at: 1) == folder.identity(at: 1))
        #expect(try folder.identity(at: 0).path == fixtures + "/folder/deep/blue.webp")
        #expect(try tar.identity(at: 0).path == nil)
    }

    /// A set that says nothing itself is known by its pictures and captions.
    @Test func picturesTellWhereTheSetDoesNot() throws {
        let set = NumberedSet(count: 300, broken: [7])
        let first = try set.identity(at: 0)
        #expect(first.key == "0" && first.path == nil)
        #expect(Set(try (0..<7).map { try set.identity(at: $0).stamp }).count == 7)
        #expect(throws: NumberedSet.Broken.self) { try set.identity(at: 7) }
    }

    @Test func anotherFileOrCaptionIsAnotherStamp() throws {
        try withTemporaryFolder { folder in
            try Picture(width: 3, height: 3, filled: .white).write(to: folder + "/a.png")
            try Picture(width: 3, height: 3, filled: .white).write(to: folder + "/b.png")
            try write("white", to: folder + "/a.txt")
            try write("white", to: folder + "/b.txt")
            func stamps() throws -> [String] {
                let set = try FolderSet(folder: folder)
                return try (0..<2).map { try set.identity(at: $0).stamp }
            }
            let before = try stamps()
            #expect(try stamps() == before)
            try write("snow", to: folder + "/a.txt")
            let reworded = try stamps()
            #expect(reworded[0] != before[0] && reworded[1] == before[1])
            // As long as it was, but later.
            let time = Date(timeIntervalSinceNow: 5)
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: folder + "/b.png")
            let touched = try stamps()
            #expect(touched[0] == reworded[0] && touched[1] != reworded[1])
        }
    }

    /// Pictures are read through links: the file tells, not the link.
    @Test func anotherFileBehindALinkIsAnotherStamp() throws {
        try withTemporaryFolder { folder in
            let (file, photos) = (folder + "/file.png", folder + "/photos")
            try FileManager.default.createDirectory(atPath: photos, withIntermediateDirectories: true)
            try Picture(width: 3, height: 3, filled: .white).write(to: file)
            try FileManager.default.createSymbolicLink(atPath: photos + "/a.png", withDestinationPath: file)
            try write("white", to: photos + "/a.txt")
            let set = try FolderSet(folder: photos)
            let before = try set.identity(at: 0)
            #expect(try set.identity(at: 0) == before)
            let time = Date(timeIntervalSinceNow: 5)
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: file)
            #expect(try set.identity(at: 0).stamp != before.stamp)
            try FileManager.default.removeItem(atPath: file)
            #expect(throws: DatasetError.self) { try set.identity(at: 0) }
        }
    }
}
