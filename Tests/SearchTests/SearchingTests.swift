import Datasets
import Foundation
import Images
import Search
import Tensors
import Testing

/// From words and pictures to pictures, over folders on the disk.
struct SearchingTests {
    let folder: Folder
    let model: ColourModel

    init() throws {
        folder = try Folder()
        model = try ColourModel(width: 40)
        try FileManager.default.createDirectory(atPath: folder("set/deep"), withIntermediateDirectories: true)
        var captions = ""
        for (name, colour) in Self.colours {
            try Picture(width: 9, height: 6, filled: colour).write(to: folder("set/\(name).png"))
            captions += "\(name).png\ta \(name) field\n"
        }
        for number in 0..<12 {
            try ColourSet.picture(number).write(to: folder("set/deep/\(number).png"))
            captions += "deep/\(number).png\tconfetti\ndeep/\(number).png\tnumber \(number)\n"
        }
        try write(Data(captions.utf8), to: folder("set/captions.txt"))
    }

    static let colours = [
        ("red", Colour(red: 250, green: 5, blue: 9)), ("green", Colour(red: 3, green: 240, blue: 20)),
        ("blue", Colour(red: 12, green: 10, blue: 235)), ("white", Colour(grey: 250)),
    ]

    @discardableResult
    private func index(updates: Bool = false) throws -> Indexing.Outcome {
        var options = Indexing.Options()
        options.updates = updates
        let writer = try IndexWriter(
            folder: folder("index"), model: model.identity, collection: folder("set"), width: model.embeddingWidth)
        return try Indexing(FolderSet(folder: folder("set")), embedder: Embedder(model), options: options)
            .run(into: writer)
    }

    private func found(text: String) throws -> SearchIndex.Found {
        let embedding = try Embedder(model).embedding(ofText: text)
        return try SearchIndex(folder("index")).nearest(to: embedding, count: 1)[0]
    }

    @Test func wordsFindTheirPictures() throws {
        #expect(try index().count == 16)
        for name in ["red", "green", "blue"] {
            let found = try self.found(text: "a \(name) thing")
            #expect(found.entry.key == "\(name).png" && found.entry.captions == ["a \(name) field"])
            #expect(found.entry.path == folder("set") + "/\(name).png")
            #expect(found.likeness > 0.95)
        }
    }

    @Test func aPictureFindsItselfFirst() throws {
        try index()
        let opened = try SearchIndex(folder("index"))
        for name in ["red", "white", "deep/0", "deep/7", "deep/11"] {
            let picture = try Picture(path: folder("set/\(name).png"))
            let found = try opened.nearest(to: Embedder(model).embedding(of: picture), count: 3)
            #expect(found[0].entry.key == "\(name).png" && abs(found[0].likeness - 1) < 1e-5)
            #expect(found[1].likeness < found[0].likeness)
        }
        #expect(try [2, 15].map { try opened.entry(at: $0).captions.count } == [2, 1])
    }

    @Test func aTornPictureIsPassedOver() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder("set/deep/3.png")))
        try write(bytes.prefix(60), to: folder("set/deep/3.png"))
        let outcome = try index()
        #expect(outcome.count == 15 && outcome.skipped.map(\.picture) == ["deep/3.png"])
        #expect(outcome.skipped[0].reason.contains("deep/3.png"))
        // Mended, it is taken in.
        try write(bytes, to: folder("set/deep/3.png"))
        #expect(try index().added == 1)
        #expect(try SearchIndex(folder("index")).entry(at: 15).key == "deep/3.png")
    }

    @Test func changedFilesAreNoticed() throws {
        try index()
        try Picture(width: 9, height: 6, filled: Self.colours[2].1).write(to: folder("set/red.png"))
        try FileManager.default.removeItem(atPath: folder("set/deep/0.png"))
        let captions = try String(contentsOfFile: folder("set/captions.txt"), encoding: .utf8)
            .replacing("deep/0.png\tconfetti\ndeep/0.png\tnumber 0\n", with: "")
            .replacing("a white field", with: "snow")
        try write(Data(captions.utf8), to: folder("set/captions.txt"))
        #expect(
            throws: SearchError.changed(folder("index"), gone: ["deep/0.png"], changed: ["red.png", "white.png"])
        ) { try index() }
        let outcome = try index(updates: true)
        #expect(outcome.count == 15 && outcome.removed == 3 && outcome.added == 2)
        let found = try self.found(text: "red")
        #expect(found.entry.key != "red.png")
    }

    @Test func picturesAreShownAsTheyAreNow() throws {
        try index()
        let opened = try SearchIndex(folder("index"))
        let query = try Embedder(model).embedding(ofText: "green")
        let found = try opened.nearest(to: query, count: 16)
        // Others have come before them, one is gone.
        try FileManager.default.removeItem(atPath: folder("set/green.png"))
        try Picture(width: 9, height: 6, filled: .black).write(to: folder("set/a.png"))
        let captions = try String(contentsOfFile: folder("set/captions.txt"), encoding: .utf8)
            .replacing("green.png\ta green field\n", with: "a.png\tnight\n")
        try write(Data(captions.utf8), to: folder("set/captions.txt"))
        let pictures = SearchIndex.pictures(of: found, in: try FolderSet(folder: folder("set")))
        #expect(pictures.count == 16 && pictures[0] == nil && found[0].entry.key == "green.png")
        for (one, picture) in zip(found, pictures).dropFirst() {
            #expect(try picture == Picture(path: folder("set/" + one.entry.key)))
        }
    }

    @Test func modelsAreToldApartByTheirBytes() throws {
        try write(Data("weights".utf8), to: folder("a.bin"))
        try write(Data("weights".utf8), to: folder("b.bin"))
        try write(Data("weightz".utf8), to: folder("c.bin"))
        let (a, b, c) = (
            try ModelIdentity(ofModelAt: folder("a.bin")), try ModelIdentity(ofModelAt: folder("b.bin")),
            try ModelIdentity(ofModelAt: folder("c.bin"))
        )
        #expect(a.name == "a.bin" && a.bytes == 7 && a.path == URL(fileURLWithPath: folder("a.bin")).standardizedFileURL.path)
        #expect(a.isSameModel(as: b) && !a.isSameModel(as: c))
        // A folder is its files.
        let before = try ModelIdentity(ofModelAt: folder("set"))
        let again = try ModelIdentity(ofModelAt: folder("set/"))
        #expect(before.bytes > 100 && before.isSameModel(as: again))
        try write(Data("more".utf8), to: folder("set/zzz"))
        #expect(try !ModelIdentity(ofModelAt: folder("set")).isSameModel(as: before))
        #expect(throws: (any Error).self) { try ModelIdentity(ofModelAt: folder("nowhere")) }
    }
}
