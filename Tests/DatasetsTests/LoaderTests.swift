import Datasets
import Foundation
import Images
import Testing

@Suite struct LoaderTests {
    private func loader(_ set: NumberedSet, batch: Int = 4, tolerance: Double = 0) throws -> BatchLoader {
        try BatchLoader(
            set, preparation: Preparation(size: 8, crop: .random, flip: 0.5), batchSize: batch, seed: 11,
            tolerance: tolerance)
    }

    @Test func pixelsAreWhatTheSetGave() throws {
        let batch = try loader(NumberedSet(count: 10)).batch(step: 0)
        #expect(batch.count == 4)
        #expect(batch.pixels.count == 4 * 3 * 8 * 8)
        for (n, key) in batch.keys.enumerated() {
            let red = batch.pixels[n * 192..<n * 192 + 64]
            let expected = try Float(#require(Int(key))) / 127.5 - 1
            #expect(red.allSatisfy { abs($0 - expected) < 1e-6 })
            #expect(batch.pixels[n * 192 + 128..<n * 192 + 192].allSatisfy { abs($0 - (9 / 127.5 - 1)) < 1e-6 })
        }
    }

    @Test func wrongCaptionsComeWithThePictures() throws {
        func loader(_ set: any CaptionedPictures, count: Int) throws -> BatchLoader {
            try BatchLoader(set, preparation: Preparation(size: 8), batchSize: 4, seed: 11, wrongCaptions: count)
        }
        let knowing = WronglyNumberedSet(known: 2)
        let sets: [any CaptionedPictures] = [
            knowing, try Mixture([(knowing, 1)]), try Subset(knowing, indices: Array(0..<10)),
            Excerpt(of: knowing, count: 10),
        ]
        for set in sets {
            let batch = try loader(set, count: 3).batch(step: 1)
            #expect(batch.wrongCaptions.count == 4)
            for (caption, wrong) in zip(batch.captions, batch.wrongCaptions) {
                // Of the same example and wording; two are known, so that the third is the first again.
                #expect(wrong == ["not \(caption) 0", "not \(caption) 1", "not \(caption) 0"])
            }
        }
        #expect(try loader(knowing, count: 0).batch(step: 1).wrongCaptions == [])
        let error = try #require(throws: DatasetError.self) {
            try loader(NumberedSet(count: 10), count: 1).batch(step: 0)
        }
        #expect(error.description.contains("knows no wrong captions"))
        #expect(throws: DatasetError.self) { try loader(knowing, count: -1) }
    }

    @Test(arguments: [1, 2, 4])
    func threadsDoNotChangeTheOrder(threads: Int) throws {
        let loader = try loader(NumberedSet(count: 37))
        let expected = try (0..<30).map { try loader.batch(step: $0) }
        let stream = loader.stream(threads: threads, ahead: 5)
        #expect(try (0..<30).map { _ in try stream.next() } == expected)
    }

    @Test func resumedEqualsUninterrupted() throws {
        let loader = try loader(NumberedSet(count: 37))
        let whole = loader.stream(threads: 2)
        let all = try (0..<20).map { _ in try whole.next() }
        let resumed = loader.stream(from: 13, threads: 3, ahead: 2)
        #expect(try (13..<20).map { _ in try resumed.next() } == Array(all[13...]))
    }

    @Test func asynchronouslyTheSame() async throws {
        let loader = try loader(NumberedSet(count: 37))
        var steps: [Int] = []
        for try await batch in loader.stream(from: 2, threads: 2) {
            #expect(try batch == loader.batch(step: batch.step))
            steps.append(batch.step)
            if steps.count == 6 { break }
        }
        #expect(steps == [2, 3, 4, 5, 6, 7])
    }

    @Test func cancelledTaskEndsTheStream() async throws {
        let stream = try loader(NumberedSet(count: 37)).stream()
        let task = Task {
            var count = 0
            for try await _ in stream { count += 1 }
            return count
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(throws: CancellationError.self) { try stream.next() }
    }

    @Test func errorArrivesAtItsStep() throws {
        let set = NumberedSet(count: 20, broken: [7])
        let loader = try loader(set)
        let bad = try #require(
            (0..<5).first { step in
                (try? loader.order.batch(step: step, size: 4))?.contains { $0.index == 7 } ?? false
            })
        let stream = loader.stream(threads: 4, ahead: 8)
        for step in 0..<bad { #expect(try stream.next().step == step) }
        #expect(throws: NumberedSet.Broken(index: 7)) { try stream.next() }
        #expect(throws: NumberedSet.Broken(index: 7)) { try stream.next() }
    }

    @Test func skipsAndCountsUnreadablePictures() throws {
        let set = NumberedSet(count: 20, broken: [7, 12])
        let loader = try loader(set, tolerance: 0.1)
        let stream = loader.stream(threads: 3)
        let keys = try (0..<10).flatMap { _ in try stream.next().keys }
        #expect(keys.count == 40)
        #expect(!keys.contains("7") && !keys.contains("12"))
        #expect(stream.skipped.map(\.index) == [7, 12])
        #expect(try loader.batch(step: 3) == loader.batch(step: 3))
    }

    @Test func tooManyUnreadablePicturesAreAnError() throws {
        let set = NumberedSet(count: 20, broken: [1, 7, 12])
        let stream = try loader(set, tolerance: 0.1).stream(threads: 3)
        #expect {
            for _ in 0..<10 { _ = try stream.next() }
        } throws: { error in
            guard case .tooManyUnreadable(let count, of: 20, allowed: 2, _)? = error as? DatasetError else {
                return false
            }
            return count == 3
        }
        let all = NumberedSet(count: 20, broken: Set(0..<20))
        #expect(throws: DatasetError.self) { try loader(all, tolerance: 1).batch(step: 0) }
    }

    @Test func refusesSenselessRequests() throws {
        let set = NumberedSet(count: 3)
        #expect(throws: DatasetError.self) { try BatchLoader(set, preparation: .init(), batchSize: 0, seed: 0) }
        #expect(throws: DatasetError.self) { try BatchLoader(set, preparation: .init(size: 0), batchSize: 1, seed: 0) }
        #expect(throws: DatasetError.self) {
            try BatchLoader(set, preparation: .init(size: 4096), batchSize: 65_536, seed: 0)
        }
        #expect(throws: DatasetError.self) {
            try BatchLoader(NumberedSet(count: 0), preparation: .init(), batchSize: 1, seed: 0)
        }
    }
}

@Suite struct PreparationTests {
    /// A left half and a right half.
    private func halves(_ width: Int, _ height: Int) throws -> Picture {
        var picture = try Picture(width: width, height: height, filled: .black)
        for y in 0..<height {
            for x in width / 2..<width { for c in 0..<3 { picture.pixels[(y * width + x) * 3 + c] = 255 } }
        }
        return picture
    }

    @Test func mirrorsUnlessTheCaptionTellsSides() throws {
        let always = Preparation(size: 8, filter: .box, flip: 1)
        let picture = try halves(8, 8)
        let mirrored = try always.picture(of: Example(picture: picture, caption: "halves", key: ""), variation: 1)
        #expect(mirrored.pixels[0] == 255 && mirrored.pixels[7 * 3] == 0)
        let kept = try always.picture(
            of: Example(picture: picture, caption: "black on the LEFT, white beside", key: ""), variation: 1)
        #expect(kept == picture)
    }

    @Test func cropsAsAsked() throws {
        let example = Example(picture: try halves(32, 8), caption: "", key: "")
        let centre = try Preparation(size: 8, filter: .box).picture(of: example, variation: 0)
        #expect(centre == (try halves(8, 8)))
        let fitted = try Preparation(size: 8, filter: .box, crop: .fit, ground: .colour(Colour(grey: 7)))
            .picture(of: example, variation: 0)
        #expect(fitted.pixels[0] == 7 && fitted.pixels[3 * 8 * 3] == 0)
        var ramp = try Picture(width: 32, height: 8, filled: .black)
        for i in 0..<32 * 8 { ramp.pixels[i * 3] = UInt8(i % 32 * 8) }
        let ramps = Example(picture: ramp, caption: "", key: "")
        let places = try Set(
            (0..<20).map { variation in
                try Preparation(size: 8, crop: .random, smallestCrop: 0.5).picture(of: ramps, variation: variation)
                    .pixels
            })
        #expect(places.count > 5)
    }

    @Test func transparencyShowsTheGround() throws {
        let clear = try Picture(width: 4, height: 4, channels: 4, pixels: Array(repeating: 0, count: 64))
        let example = Example(picture: clear, caption: "", key: "")
        let white = try Preparation(size: 2).picture(of: example, variation: 0)
        #expect(white.channels == 3 && white.pixels.allSatisfy { $0 == 255 })
        let random = Preparation(size: 2, ground: .random)
        #expect(try random.picture(of: example, variation: 1) != random.picture(of: example, variation: 2))
        #expect(try random.picture(of: example, variation: 1) == random.picture(of: example, variation: 1))
    }

    @Test func codesAsWords() throws {
        let preparation = Preparation(
            size: 32, filter: .bicubic, crop: .random, flip: 0.5, ground: .colour(Colour(red: 1, green: 2, blue: 255)))
        let data = try JSONEncoder().encode(preparation)
        #expect(String(decoding: data, as: UTF8.self).contains("\"#0102ff\""))
        #expect(try JSONDecoder().decode(Preparation.self, from: data) == preparation)
        #expect(try JSONDecoder().decode(Preparation.self, from: Data("{}".utf8)) == Preparation())
        for wrong in [
            "{\"filter\":\"cubic\"}", "{\"ground\":\"mauve\"}", "{\"size\":0}", "{\"flip\":2}",
            "{\"ground\":\"#+12345\"}",
        ] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(Preparation.self, from: Data(wrong.utf8)) }
        }
    }
}
