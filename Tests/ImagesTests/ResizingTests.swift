import Images
import Testing

@Suite struct ResizingTests {
    @Test(arguments: ResamplingFilter.allCases, ["rgb", "rgba"])
    func resizingGivesWhatPillowGives(filter: ResamplingFilter, mode: String) throws {
        let source = try Fixtures.picture("resized/\(mode).png")
        for (width, height) in [(20, 13), (97, 70), (61, 9), (7, 43), (13, 60), (90, 20)] {
            let expected = try Fixtures.picture("resized/\(mode)-\(filter.rawValue)-\(width)x\(height).png")
            let resized = try source.resized(width: width, height: height, filter: filter)
            let difference = resized.largestDifference(from: expected)
            #expect(try #require(difference, "another shape") <= 1, "\(width)×\(height)")
        }
    }

    @Test(arguments: ["rgb", "rgba"])
    func coveringGivesWhatPillowsFitGives(mode: String) throws {
        let source = try Fixtures.picture("resized/\(mode).png")
        for (filter, width, height) in [
            (ResamplingFilter.box, 16, 16), (.lanczos, 16, 16), (.bicubic, 90, 20), (.nearest, 33, 50),
        ] {
            let expected = try Fixtures.picture("resized/\(mode)-\(filter.rawValue)-fit-\(width)x\(height).png")
            let covering = try source.covering(width: width, height: height, filter: filter)
            let difference = covering.largestDifference(from: expected)
            #expect(try #require(difference, "another shape") <= 1, "\(filter) \(width)×\(height)")
        }
    }

    /// Enlarged as a whole before it is cut, this would have 10¹¹ pixels.
    @Test func aThinPictureCanBeMadeToCover() throws {
        let thin = try Picture(width: 1, height: 100_000, filled: .white)
        #expect(try thin.covering(width: 1000, height: 1000) == Picture(width: 1000, height: 1000, filled: .white))
        #expect(try thin.contained(width: 10, height: 10).pixels.filter { $0 == 255 }.count == 30)
    }

    @Test func aResizeToItsOwnSizeChangesNothing() throws {
        let source = try Fixtures.picture("resized/rgba.png")
        #expect(try source.resized(width: source.width, height: source.height) == source)
    }

    @Test func oneColourStaysOneColour() throws {
        let source = try Picture(width: 37, height: 23, filled: Colour(red: 3, green: 128, blue: 251))
        for filter in ResamplingFilter.allCases {
            for (width, height) in [(1, 1), (5, 90), (200, 3)] {
                let expected = try Picture(width: width, height: height, filled: Colour(red: 3, green: 128, blue: 251))
                #expect(try source.resized(width: width, height: height, filter: filter) == expected)
            }
        }
    }

    @Test func impossibleSizesAreRefused() throws {
        let source = try Picture(width: 3, height: 3, filled: .white)
        for (width, height) in [(0, 1), (1, -1), (Int.max, Int.max), (1 << 20, 1 << 20), (Int.min, 1)] {
            #expect(throws: ImageError.self) { try source.resized(width: width, height: height) }
            #expect(throws: ImageError.self) { try source.covering(width: width, height: height) }
            #expect(throws: ImageError.self) { try source.contained(width: width, height: height) }
            #expect(throws: ImageError.self) { try source.centreCropped(width: width, height: height) }
            #expect(throws: ImageError.self) { try Picture(width: width, height: height, channels: 3, pixels: []) }
            #expect(throws: ImageError.self) { try Picture(planes: [], width: width, height: height) }
        }
    }
}

@Suite struct CroppingTests {
    /// Samples count up, so that a place can be told from its value.
    private let counting: Picture

    init() throws { counting = try Picture(width: 4, height: 3, channels: 3, pixels: Array(0..<36)) }

    @Test func aRectangleIsCutOut() throws {
        let piece = try counting.cropped(x: 1, y: 1, width: 2, height: 2)
        #expect(piece.pixels == [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32])
        #expect(try counting.centreCropped(width: 2, height: 1) == counting.cropped(x: 1, y: 1, width: 2, height: 1))
        #expect(try counting.centreCropped(width: 4, height: 3) == counting)
        #expect(throws: ImageError.self) { try counting.cropped(x: 3, y: 0, width: 2, height: 1) }
        #expect(throws: ImageError.self) { try counting.cropped(x: .max, y: 0, width: 2, height: 1) }
    }

    @Test func randomCropsReachEveryPlace() throws {
        var generator = SplitMix(seed: 4)
        var firsts: Set<UInt8> = []
        for _ in 0..<200 {
            let piece = try counting.randomlyCropped(width: 2, height: 2, using: &generator)
            firsts.insert(piece.pixels[0])
        }
        #expect(firsts == [0, 3, 6, 12, 15, 18])
        #expect(throws: ImageError.self) { try counting.randomlyCropped(width: 5, height: 1, using: &generator) }
    }

    @Test func aFlipExchangesLeftAndRight() throws {
        #expect(counting.flippedHorizontally.pixels.prefix(12) == [9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2])
        #expect(counting.flippedHorizontally.flippedHorizontally == counting)
    }

    @Test func coveringFillsAndContainedShowsAll() throws {
        // Black, white and black stripes, each 10 wide.
        var stripes = try Picture(width: 30, height: 10, filled: .black)
        for y in 0..<10 { for x in 10..<20 { for c in 0..<3 { stripes.pixels[(y * 30 + x) * 3 + c] = 255 } } }
        #expect(try stripes.covering(width: 10, height: 10) == Picture(width: 10, height: 10, filled: .white))
        let grey = Colour(grey: 90)
        let contained = try stripes.contained(width: 30, height: 30, ground: grey)
        #expect(try contained.cropped(x: 0, y: 10, width: 30, height: 10) == stripes)
        #expect(try contained.cropped(x: 0, y: 0, width: 30, height: 10) == Picture(width: 30, height: 10, filled: grey))
        #expect(try contained.cropped(x: 0, y: 20, width: 30, height: 10) == Picture(width: 30, height: 10, filled: grey))
    }
}
