public import Images

/// From a picture of any size to a network's square input: how it is cropped, resized, mirrored, and what stands behind
/// transparent parts. Written into a run's configuration; absent keys take their defaults.
public struct Preparation: Sendable, Equatable {
    public enum Crop: String, Sendable, Codable, CaseIterable {
        /// The whole picture, with the ground at its sides.
        case fit
        /// The largest square in the middle.
        case centre
        /// A square from anywhere, its side `smallestCrop` … 1 of the picture's shorter side.
        case random
    }

    /// What stands behind transparent parts, and beside a picture that is fitted.
    public enum Ground: Sendable, Equatable {
        case colour(Colour)
        /// Any colour at all, another each epoch.
        case random
    }

    /// Of the square, in pixels.
    public var size: Int
    public var filter: ResamplingFilter
    public var crop: Crop
    public var smallestCrop: Double
    /// How often a picture is mirrored. One whose caption speaks of left or right never is: it would become false.
    public var flip: Double
    public var ground: Ground

    public init(
        size: Int = 64, filter: ResamplingFilter = .lanczos, crop: Crop = .centre, smallestCrop: Double = 0.8,
        flip: Double = 0, ground: Ground = .colour(.white)
    ) {
        self.size = size
        self.filter = filter
        self.crop = crop
        self.smallestCrop = smallestCrop
        self.flip = flip
        self.ground = ground
    }

    /// - Throws: `DatasetError.invalid`, naming the value that is out of range.
    public func validate() throws(DatasetError) {
        guard (1...4096).contains(size) else { throw .invalid("size \(size): 1 to 4096 pixels are possible") }
        guard smallestCrop > 0, smallestCrop <= 1 else {
            throw .invalid("smallest_crop \(smallestCrop): a share of the picture, above 0 and at most 1")
        }
        guard flip >= 0, flip <= 1 else { throw .invalid("flip \(flip): a probability from 0 to 1") }
    }

    /// The example's picture as the network gets it, [size × size], RGB.
    ///
    /// A pure function of the example, this configuration and `variation`.
    public func picture(of example: Example, variation: UInt64) throws -> Picture {
        try validate()
        let draws = self.draws(variation)
        let ground =
            switch self.ground {
            case .colour(let colour): colour
            case .random:
                Colour(
                    red: UInt8(truncatingIfNeeded: draws.ground), green: UInt8(truncatingIfNeeded: draws.ground >> 8),
                    blue: UInt8(truncatingIfNeeded: draws.ground >> 16))
            }

        var picture = example.picture
        switch crop {
        case .fit:
            picture = try picture.contained(width: size, height: size, ground: ground, filter: filter)
        case .centre, .random:
            let (x, y, side) = frame(of: picture, draws)
            picture = try picture.cropped(x: x, y: y, width: side, height: side)
                .resized(width: size, height: size, filter: filter).composited(over: ground)
        }
        if isMirrored(example, draws) { picture = picture.flippedHorizontally }
        return picture
    }

    /// Where the example's subjects stand in `picture(of:variation:)`; what was cut off is left out.
    public func regions(of example: Example, variation: UInt64) -> [Region] {
        guard !example.regions.isEmpty else { return [] }
        let draws = self.draws(variation)
        let (x, y, side) = frame(of: example.picture, draws)
        let (width, height) = (Double(example.picture.width), Double(example.picture.height))
        let isMirrored = self.isMirrored(example, draws)
        return example.regions.compactMap { region in
            var moved = Region(
                x: (region.x * width - Double(x)) / Double(side), y: (region.y * height - Double(y)) / Double(side),
                width: region.width * width / Double(side), height: region.height * height / Double(side))
            if isMirrored { moved.x = 1 - moved.x - moved.width }
            return moved.visible
        }
    }

    private struct Draws {
        let ground: UInt64
        let scale, x, y, flip: Double
    }

    /// Drawn always, so that switching one option leaves the others' choices as they were.
    private func draws(_ variation: UInt64) -> Draws {
        var draws = SeededGenerator(variation, 0x7072_6570)
        return Draws(ground: draws.next(), scale: draws.unit(), x: draws.unit(), y: draws.unit(), flip: draws.unit())
    }

    /// The square of the picture, in its pixels, that fills the network's; it may reach beyond the picture.
    private func frame(of picture: Picture, _ draws: Draws) -> (x: Int, y: Int, side: Int) {
        let (shorter, longer) = (min(picture.width, picture.height), max(picture.width, picture.height))
        switch crop {
        case .fit: return ((picture.width - longer) / 2, (picture.height - longer) / 2, longer)
        case .centre: return ((picture.width - shorter) / 2, (picture.height - shorter) / 2, shorter)
        case .random:
            let scale = smallestCrop + (1 - smallestCrop) * draws.scale
            let side = max(1, Int((Double(shorter) * scale).rounded()))
            return (
                Int(draws.x * Double(picture.width - side + 1)), Int(draws.y * Double(picture.height - side + 1)), side)
        }
    }

    private func isMirrored(_ example: Example, _ draws: Draws) -> Bool {
        draws.flip < flip && !Self.tellsSides(example.caption)
    }

    /// Whether a caption would be false of the mirrored picture.
    package static func tellsSides(_ caption: String) -> Bool {
        caption.lowercased().split(whereSeparator: { !$0.isLetter }).contains {
            [
                "left", "right", "leftmost", "rightmost", "leftward", "rightward", "leftwards", "rightwards",
                "clockwise",
                "counterclockwise", "anticlockwise", "east", "west", "eastern", "western", "letters", "number", "text",
            ].contains($0)
        }
    }
}

extension Preparation: Codable {
    enum CodingKeys: String, CodingKey {
        case size, filter, crop
        case smallestCrop = "smallest_crop"
        case flip, ground
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let usual = Preparation()
        self.init(
            size: try values.decodeIfPresent(Int.self, forKey: .size) ?? usual.size,
            filter: try values.decodeIfPresent(String.self, forKey: .filter).map { name in
                guard let filter = ResamplingFilter(rawValue: name) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .filter, in: values,
                        debugDescription: "\"\(name)\" is none of "
                            + ResamplingFilter.allCases.map(\.rawValue).joined(separator: ", "))
                }
                return filter
            } ?? usual.filter,
            crop: try values.decodeIfPresent(Crop.self, forKey: .crop) ?? usual.crop,
            smallestCrop: try values.decodeIfPresent(Double.self, forKey: .smallestCrop) ?? usual.smallestCrop,
            flip: try values.decodeIfPresent(Double.self, forKey: .flip) ?? usual.flip,
            ground: try values.decodeIfPresent(Ground.self, forKey: .ground) ?? usual.ground)
        try validate()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(size, forKey: .size)
        try values.encode(filter.rawValue, forKey: .filter)
        try values.encode(crop, forKey: .crop)
        try values.encode(smallestCrop, forKey: .smallestCrop)
        try values.encode(flip, forKey: .flip)
        try values.encode(ground, forKey: .ground)
    }
}

/// One word in a file: "white", "black", "random", or "#rrggbb".
extension Preparation.Ground: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let word = try value.decode(String.self)
        switch word {
        case "random": self = .random
        case "white": self = .colour(.white)
        case "black": self = .colour(.black)
        default:
            guard word.utf8.count == 7, word.hasPrefix("#"), word.dropFirst().allSatisfy(\.isHexDigit),
                let bits = UInt32(word.dropFirst(), radix: 16)
            else {
                throw DecodingError.dataCorruptedError(
                    in: value, debugDescription: "\"\(word)\" is no ground: white, black, random, or #rrggbb")
            }
            self = .colour(
                Colour(
                    red: UInt8(truncatingIfNeeded: bits >> 16), green: UInt8(truncatingIfNeeded: bits >> 8),
                    blue: UInt8(truncatingIfNeeded: bits)))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .random: try value.encode("random")
        case .colour(let colour):
            let digits = String(
                UInt32(colour.red) << 16 | UInt32(colour.green) << 8 | UInt32(colour.blue), radix: 16)
            try value.encode("#" + String(repeating: "0", count: 6 - digits.count) + digits)
        }
    }
}
