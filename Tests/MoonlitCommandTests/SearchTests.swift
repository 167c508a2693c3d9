import Foundation
import Images
import Testing

/// `moonlit index` and `moonlit search` with a small CLIP of drawn weights.
struct SearchTests {
    let folder: Folder

    private static let words = "a fox in the snow by a lake"

    init() throws {
        folder = try Folder()
        try folder.writeCLIP("clip.safetensors", words: Self.words, seed: 4)
        try pictures(12, in: "photos")
    }

    /// Stripes and colours of their own, with captions.
    private func pictures(_ count: Int, in name: String) throws {
        try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        var captions = ""
        for number in 0..<count {
            let pixels = (0..<20 * 16 * 3).map { place in
                UInt8(truncatingIfNeeded: (place / 3 % (number % 7 + 2) + place % 3 + 1) * (number * 37 + 11))
            }
            try Picture(width: 20, height: 16, channels: 3, pixels: pixels)
                .write(to: folder.path("\(name)/\(number).png"))
            captions += "\(number).png\tnumber \(number)\n"
        }
        try Data(captions.utf8).write(to: folder.url.appending(path: "\(name)/captions.txt"))
    }

    @Test func aCollectionIsIndexedAndSearched() throws {
        let made = try Program.run("index", "photos", "--clip", "clip.safetensors", in: folder)
        #expect(made.status == 0 && made.output == "photos.index\n", "\(made.messages)")
        #expect(made.messages.contains("12 pictures, 12 new"))

        let picture = try Program.run(
            "search", "photos.index", "--image", "photos/5.png", "--count", "3", "-o", "sheet.png", "--json", in: folder
        ).object()
        let found = try #require(picture["found"] as? [[String: Any]])
        #expect(found.count == 3 && picture["pictures"] as? Int == 12 && picture["image"] as? String == "photos/5.png")
        #expect(found[0]["key"] as? String == "5.png" && found[0]["captions"] as? [String] == ["number 5"])
        #expect(abs((found[0]["likeness"] as? Double ?? 0) - 1) < 1e-4)
        #expect((found[0]["path"] as? String)?.hasSuffix("/photos/5.png") == true)
        let sheet = try Picture(path: folder.path("sheet.png"))
        #expect(sheet.width > 300 && sheet.height > 300)

        let text = try Program.run("search", "photos.index", "a fox in the snow", in: folder)
        let lines = text.output.split(separator: "\n")
        #expect(text.status == 0 && lines.count == 9)
        for (number, line) in lines.enumerated() {
            #expect(line.wholeMatch(of: /(\d)  -?[01]\.\d{4}  \/.*\/photos\/(\d+)\.png  number \2/)?.output.1 == "\(number + 1)")
        }

        // The index knows its CLIP; nothing is new.
        let again = try Program.run("index", "photos", "--json", in: folder).object()
        #expect(again["added"] as? Int == 0 && again["pictures"] as? Int == 12 && again["finished"] as? Bool == true)
    }

    @Test func anIndexIsNamedAfterTheFolderThatIsMeant() throws {
        let made = try Program.run("index", "photos/.", "--clip", "clip.safetensors", "--limit", "1", in: folder)
        #expect(made.status == 0 && made.output == "photos.index\n", "\(made.messages)")
    }

    /// An embedded CLIP is found again where the program lies now.
    @Test func aMovedProgramFindsItsCLIP() throws {
        #expect(try Program.run("index", "photos", "--clip", "scenes-clip", "-o", "i", in: folder).status == 0)
        let path = folder.path("i/index.json")
        var manifest = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any])
        var model = try #require(manifest["model"] as? [String: Any])
        let expected: [(place: String, status: Int32)] = [
            ("/old/Embedded/scenes-clip.safetensors", 0), ("/old/scenes-clip.safetensors", 1),
        ]
        for (place, status) in expected {
            model["path"] = place
            manifest["model"] = model
            try JSONSerialization.data(withJSONObject: manifest).write(to: URL(filePath: path))
            let outcome = try Program.run("search", "i", "a fox", in: folder)
            #expect(outcome.status == status, "\(outcome)")
        }
    }

    @Test func whatChangedIsNoticed() throws {
        #expect(try Program.run("index", "photos", "--clip", "clip.safetensors", "-o", "i", in: folder).status == 0)
        try pictures(13, in: "photos")
        try Data("torn".utf8).write(to: folder.url.appending(path: "photos/12.png"))
        let refused = try Program.run("index", "photos", "-o", "i", in: folder)
        #expect(refused.status == 1 && refused.messages.contains("12 pictures are changed (0.png, …); --update"))
        let updated = try Program.run("index", "photos", "-o", "i", "--update", "--json", in: folder)
        #expect(updated.status == 0 && updated.messages.contains("not read: 12.png: "))
        let result = try updated.object()
        #expect(result["added"] as? Int == 12 && result["removed"] as? Int == 12)
        #expect((result["unreadable"] as? [[String: Any]])?.first?["picture"] as? String == "12.png")
    }

    @Test func anInterruptedIndexIsGoneOnWith() throws {
        try pictures(400, in: "many")
        let command = ["index", "many", "--clip", "clip.safetensors", "--batch-size", "1", "-o"]
        let running = try Program.start(command + ["cut"], in: folder)
        let vectors = folder.path("cut/vectors-1.f32")
        while running.process.isRunning, (try? Data(contentsOf: URL(fileURLWithPath: vectors)))?.isEmpty ?? true {
            Thread.sleep(forTimeInterval: 0.005)
        }
        running.process.interrupt()
        let outcome = try running.finish()
        #expect(outcome.status == 130 && outcome.messages.contains("of 400 pictures are in cut; the same command goes on"))
        let rest = try Program.run(command + ["cut", "--json"], in: folder)
        let added = try #require(try rest.object()["added"] as? Int)
        #expect(rest.status == 0 && added > 0 && added < 400)
        #expect(try Program.run(command + ["whole"], in: folder).status == 0)
        for name in try folder.names(in: "whole") { #expect(try folder.bytes("cut/\(name)") == folder.bytes("whole/\(name)")) }
        #expect(try folder.names(in: "whole").count == 4)
    }

    @Test func whatDoesNotFitIsToldInASentence() throws {
        func told(_ arguments: [String], _ named: String, status: Int32 = 1) throws {
            let outcome = try Program.run(arguments, in: folder)
            #expect(outcome.status == status && outcome.output.isEmpty && outcome.messages.contains(named), "\(outcome)")
        }
        try told(["index", "photos"], "photos.index is no index yet; say which CLIP makes it with --clip")
        try told(["index", "nowhere", "--clip", "clip.safetensors"], "nowhere")
        try told(["index", "photos", "--clip", "photos/1.png"], "photos/1.png")
        try told(["index", "photos", "--clip", "clip.safetensors", "-o", "photos"], "choose another folder")
        try told(["search", "photos", "a fox"], "photos: there is no index.json in it")
        try told(["search", "photos.index"], "--image", status: 64)
        try told(["search", "photos.index", "a fox", "--image", "photos/1.png"], "--image", status: 64)
        #expect(try Program.run("index", "photos", "--clip", "clip.safetensors", in: folder).status == 0)
        try folder.writeCLIP("other.safetensors", words: Self.words, seed: 5)
        try told(["search", "photos.index", "a fox", "--clip", "other.safetensors"], "is another model")
        try told(["index", "photos", "--clip", "other.safetensors"], "is another model")
        try FileManager.default.removeItem(atPath: folder.path("clip.safetensors"))
        try told(["search", "photos.index", "a fox"], "clip.safetensors")
        try told(["search", "photos.index", "--image", "nothing.png"], "nothing.png")
    }
}
