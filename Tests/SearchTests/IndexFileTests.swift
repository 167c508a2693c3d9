import Datasets
import Foundation
import Search
import Testing

/// Indices on the disk: what counts, what is refused.
struct IndexFileTests {
    let folder: Folder
    let index: String
    let embeddings: [[Float]]

    init() throws {
        folder = try Folder()
        index = folder("index")
        var draws = SeededGenerator(seed: 1)
        embeddings = (0..<60).map { _ in direction(20, &draws) }
    }

    private func writer(
        model: String = "m", crc: UInt32 = 1, collection: String = "c", width: Int = 20
    ) throws -> IndexWriter {
        try IndexWriter(
            folder: index, model: ModelIdentity(name: model, path: "/" + model, bytes: 1, crc32c: crc),
            collection: collection, width: width)
    }

    private func append(_ rows: Range<Int>, to writer: IndexWriter) throws {
        try writer.append(rows.flatMap { embeddings[$0] }, rows.map(entry))
    }

    @Test func whatWasWrittenComesBack() throws {
        let opened = try makeIndex(index, embeddings)
        #expect(opened.count == 60)
        #expect(opened.manifest.model.name == "m" && opened.manifest.collection == "c" && opened.manifest.width == 20)
        for row in embeddings.indices { #expect(try opened.entry(at: row) == entry(row)) }
        #expect(throws: SearchError.self) { try opened.entry(at: 60) }
        let known = try writer().known
        #expect(known.count == 60 && known["7"] == .init(row: 7, place: 7, stamp: "s7"))
    }

    @Test func whatWasNotCommittedDoesNotCount() throws {
        do {
            let writer = try writer()
            try append(0..<20, to: writer)
            try writer.commit()
            try append(20..<60, to: writer)
        }
        #expect(try SearchIndex(index).count == 20)
        #expect(try SearchIndex(index).nearest(to: embeddings[30], count: 60).count == 20)
        do {
            let writer = try writer()
            #expect(writer.count == 20)
            try append(20..<60, to: writer)
            try writer.commit()
        }
        try makeIndex(folder("whole"), embeddings)
        #expect(try contents(of: index) == contents(of: folder("whole")))
    }

    @Test func anIndexThatWasOpenedStaysAsItWas() throws {
        let opened = try makeIndex(index, Array(embeddings.prefix(30)))
        let writer = try writer()
        try append(30..<60, to: writer)
        try writer.commit()
        try writer.keep { key, _ in key != "3" }
        #expect(try opened.nearest(to: embeddings[40], count: 60).count == 30)
        #expect(try opened.nearest(to: embeddings[3], count: 1)[0].entry == entry(3))
        #expect(try SearchIndex(index).count == 59)
    }

    /// The files that a manifest names may be gone when they are opened.
    @Test func anIndexIsOpenedWhilePicturesAreTakenOut() throws {
        try makeIndex(index, embeddings)
        var times = 0
        let opened = try SearchIndex(index, manifestIsRead: {
            times += 1
            if times < 3 { try writer().keep { _, known in known.row > 0 } }
        })
        #expect(times == 3 && opened.count == 58 && opened.manifest.generation == 3)
        #expect(try opened.entry(at: 0) == entry(2))
        // Not for ever: without a newer manifest, what is missing is missing.
        try FileManager.default.removeItem(atPath: index + "/codes-3.i8")
        #expect(throws: (any Error).self) { try SearchIndex(index) }
    }

    @Test func picturesAreTakenOut() throws {
        try makeIndex(index, embeddings)
        do {
            let writer = try writer()
            try writer.keep { key, known in key == "\(known.row)" && known.row % 4 != 1 }
            #expect(writer.count == 45 && writer.known["2"]?.row == 1 && writer.known["5"] == nil)
            // And it goes on.
            try writer.append(embeddings[5], [entry(5)])
            try writer.commit()
        }
        let opened = try SearchIndex(index)
        #expect(try (0..<46).map { try opened.entry(at: $0).place } == (0..<60).filter { $0 % 4 != 1 } + [5])
        for row in [2, 5, 59 - 1] { #expect(try opened.nearest(to: embeddings[row], count: 1)[0].entry == entry(row)) }
        #expect(try opened.nearest(to: embeddings[9], count: 1)[0].entry != entry(9))
        #expect(Set(try contents(of: index).keys) == ["index.json", "vectors-2.f32", "codes-2.i8", "entries-2.jsonl"])
        // Nothing to take out changes nothing.
        let before = try contents(of: index)
        try writer().keep { _, _ in true }
        #expect(try contents(of: index) == before)
    }

    @Test func whatAnInterruptedChangeLeftIsRemoved() throws {
        try makeIndex(index, embeddings)
        let before = try contents(of: index)
        try write(Data("half".utf8), to: index + "/vectors-2.f32")
        try write(Data("half".utf8), to: index + "/entries-7.jsonl")
        _ = try writer()
        #expect(try contents(of: index) == before)
    }

    @Test func anotherModelOrCollectionIsRefused() throws {
        try makeIndex(index, embeddings)
        let before = try contents(of: index)
        for attempt in [
            { try writer(model: "other", crc: 2) }, { try writer(collection: "d") }, { try writer(width: 21) },
        ] {
            #expect {
                _ = try attempt()
            } throws: {
                if case .other(index, _)? = $0 as? SearchError { true } else { false }
            }
        }
        // The same model elsewhere is the same.
        #expect(try writer(model: "moved").count == 60)
        #expect(try contents(of: index) == before)
    }

    @Test func twoWritersAreNotAtWorkAtOnce() throws {
        let first = try writer()
        #expect(throws: SearchError.unwritable(index, problem: "another program is adding pictures to it")) {
            try writer()
        }
        try append(0..<3, to: first)
        try first.commit()
        #expect(try SearchIndex(index).count == 3)
    }

    @Test func aFolderOfOtherThingsIsLeftAlone() throws {
        try FileManager.default.createDirectory(atPath: index, withIntermediateDirectories: true)
        try write(Data("dear diary".utf8), to: index + "/diary.txt")
        #expect {
            try writer()
        } throws: {
            "\($0)".contains("diary.txt")
        }
        #expect(try contents(of: index).count == 1)
        #expect(throws: SearchError.self) { try SearchIndex(index) }
        #expect(throws: SearchError.self) { try SearchIndex(folder("nowhere")) }
    }

    @Test func whatIsNoEmbeddingIsRefused() throws {
        let writer = try writer()
        try append(0..<2, to: writer)
        var long = embeddings[2]
        long[0] += 1
        var undefined = embeddings[2]
        undefined[5] = .nan
        for wrong in [long, undefined, Array(embeddings[2].dropLast()), []] {
            #expect {
                try writer.append(wrong, [entry(2)])
            } throws: {
                if case .embedding? = $0 as? SearchError { true } else { false }
            }
        }
        #expect(throws: SearchError.self) { try writer.append(embeddings[1], [entry(1)]) }
        #expect(throws: SearchError.self) { try writer.append(embeddings[2] + embeddings[2], [entry(2), entry(2)]) }
        try append(2..<3, to: writer)
        try writer.commit()
        #expect(try SearchIndex(index).count == 3)
        #expect(try (0..<3).map { try SearchIndex(index).entry(at: $0) } == (0..<3).map(entry))
    }

    @Test(arguments: ["vectors-1.f32", "codes-1.i8", "entries-1.jsonl"]) func aDamagedFileIsRefused(name: String) throws {
        try makeIndex(index, embeddings)
        let path = index + "/" + name
        let sound = try #require(try contents(of: index)[name])
        func isDamaged(_ body: () throws -> Void) {
            #expect {
                try body()
            } throws: {
                if case .damaged(let place, _)? = $0 as? SearchError { place.hasPrefix(index) } else { false }
            }
        }
        // Cut short.
        try write(sound.dropLast(3), to: path)
        isDamaged { _ = try SearchIndex(index) }
        isDamaged { _ = try writer() }
        // Other bytes: seen at the latest when the index is gone on with.
        for place in stride(from: 0, to: sound.count, by: sound.count / 7) {
            var bytes = sound
            bytes[place] ^= 0x41
            try write(bytes, to: path)
            isDamaged { _ = try writer() }
        }
        // Bytes behind those that count are no damage.
        try write(sound + Data("torn".utf8), to: path)
        #expect(try SearchIndex(index).nearest(to: embeddings[4], count: 1)[0].entry == entry(4))
        #expect(try writer().count == 60)
        #expect(try contents(of: index)[name] == sound)
        // Gone.
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: (any Error).self) { try SearchIndex(index) }
        #expect(throws: (any Error).self) { try writer() }
    }

    /// The scale and the error of a row, and its embedding.
    @Test(arguments: [("codes-1.i8", 43), ("codes-1.i8", 47), ("vectors-1.f32", 83)])
    func aSearchDoesNotBelieveADamagedRow(name: String, place: Int) throws {
        try makeIndex(index, embeddings)
        var bytes = try #require(try contents(of: index)[name])
        // The second row: of 8 + 32 bytes in codes, of 80 in vectors.
        bytes[place] = 0xFF
        try write(bytes, to: index + "/" + name)
        #expect {
            try SearchIndex(index).nearest(to: embeddings[1], count: 60)
        } throws: {
            if case .damaged? = $0 as? SearchError { true } else { false }
        }
    }

    @Test func aDamagedManifestIsRefused() throws {
        try makeIndex(index, embeddings)
        let path = index + "/index.json"
        let sound = String(decoding: try #require(try contents(of: index)["index.json"]), as: UTF8.self)
        for (old, new) in [
            ("{", ""), ("\"count\" : 60", "\"count\" : 61"), ("\"count\" : 60", "\"count\" : -60"),
            ("\"width\" : 20", "\"width\" : 0"), ("\"width\" : 20", "\"width\" : 21"), ("\"format\" : 1", "\"format\" : 2"),
            ("\"generation\" : 1", "\"generation\" : 0"), ("\"collection\"", "\"set\""),
        ] {
            #expect(sound.contains(old))
            try write(Data(sound.replacing(old, with: new).utf8), to: path)
            #expect(throws: SearchError.self) { try SearchIndex(index) }
            #expect(throws: SearchError.self) { try writer() }
        }
        var draws = SeededGenerator(seed: 2)
        for _ in 0..<200 {
            var bytes = Array(sound.utf8)
            for _ in 0...draws.below(3) { bytes[draws.below(bytes.count)] = UInt8(draws.below(256)) }
            try write(Data(bytes), to: path)
            // Whatever it says now: an error or an index, and no crash.
            let found = Result { try SearchIndex(index).nearest(to: embeddings[1], count: 3) }
            if case .success(let found) = found { #expect(found.count <= 3) }
        }
    }
}
