import Images

/// What is in a set, in numbers: for `moonlit data` and for a run's log.
public struct DataSummary: Sendable, Codable, Equatable {
    public var name: String
    public var count: Int
    /// Of all captions the set knows of.
    public var captions: Int
    public var distinctCaptions: Int
    /// Words a caption.
    public var shortest: Int
    public var longest: Int
    public var mean: Double
    /// Distinct words, and the commonest with how often they occur.
    public var vocabulary: Int
    public var commonest: [Word]
    /// Sizes of the pictures looked at, "144×144", the commonest first.
    public var sizes: [Word]
    /// Pictures looked at, and the errors of those that could not be read.
    public var looked: Int
    public var unreadable: [String]
    public var notes: [String]

    public struct Word: Sendable, Codable, Equatable {
        public var text: String
        public var times: Int
    }

    /// - Parameter pictures: how many pictures are opened, spread evenly over the set; captions are all read.
    public init(of set: any CaptionedPictures, pictures: Int = 64) throws {
        var words: [String: Int] = [:]
        var distinct: Set<String> = []
        var lengths = 0
        (shortest, longest, captions) = (Int.max, 0, 0)
        for index in 0..<set.count {
            for caption in try set.captions(at: index) {
                let own = caption.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "'" })
                for word in own { words[String(word), default: 0] += 1 }
                distinct.insert(caption)
                captions += 1
                lengths += own.count
                shortest = min(shortest, own.count)
                longest = max(longest, own.count)
            }
        }
        if captions == 0 { shortest = 0 }
        mean = captions == 0 ? 0 : Double(lengths) / Double(captions)
        distinctCaptions = distinct.count
        vocabulary = words.count
        commonest = Self.ranked(words, 20)

        var found: [String: Int] = [:]
        (looked, unreadable) = (min(max(pictures, 0), set.count), [])
        for number in 0..<looked {
            do {
                let picture = try set.example(at: number * set.count / looked, variation: 0).picture
                found["\(picture.width)×\(picture.height)", default: 0] += 1
            } catch {
                unreadable.append("\(error)")
            }
        }
        sizes = Self.ranked(found, 10)
        name = set.name
        count = set.count
        notes = set.notes
    }

    private static func ranked(_ counts: [String: Int], _ limit: Int) -> [Word] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit)
            .map { Word(text: $0.key, times: $0.value) }
    }
}
