import Checkpoints
public import Images
import Models
import Tensors
import Tokenizers

/// Which word made which part of a picture: by how strongly each place attended to the word while the picture was drawn
/// (Tang et al. 2023, "What the DAAM"), or by what changes without it.
///
/// ```swift
/// let explanation = try await model.explain(.init(prompt: "a fox in the snow", seed: 7))
/// for word in explanation.words { print(word.text, word.share, word.centre) }
/// try explanation.sheet().write(to: "fox.png")
/// ```
public struct Explanation: Sendable {
    public let drawn: GeneratedPicture
    /// In the prompt's order; those that the model reads.
    public let words: [Word]

    /// A word of the prompt, and where it spoke.
    public struct Word: Sendable {
        public let text: String
        /// How much of the picture's attention, or of all change, is the word's.
        public let share: Double
        /// Where: the mean place of what is above the map's mean, from the upper left corner, 0…1.
        public let centre: (x: Double, y: Double)
        public let heat: HeatMap
    }

    /// How it is found out.
    public enum Method: String, Sendable, Hashable, CaseIterable {
        /// How strongly each place attended to the word while the picture was drawn: one picture's time. Where the text's
        /// transformer mixes words, so does the map.
        case attention
        /// What changes when the picture is drawn again, from the same noise, without the word: one more picture a word.
        case removal
    }

    /// - Parameters:
    ///   - tokens: of the prompt, those that the model reads.
    ///   - factor: pixels for each of the sampler's numbers.
    init(attentionTo tokens: [AttendedToken], _ record: AttentionRecord, of drawn: GeneratedPicture, factor: Int) throws {
        let (height, width) = (drawn.picture.height, drawn.picture.width)
        guard let heat = try record.heat(height: height / factor, width: width / factor) else {
            self.init(drawn, [])
            return
        }
        self.init(
            drawn,
            try Self.words(of: tokens).map { word, own in
                let maps = try Tensor.concatenate(own.map { try heat.narrow(1, start: $0.place, length: 1) }, dim: 1)
                let mean = try maps.mean([1], keepDims: true)  // [1, 1, h, w]
                let large = try mean.resize(height: height, width: width, .bicubic).clamp(min: 0)
                return (
                    word, try mean.mean().item() * Double(own.count),
                    HeatMap(width: width, height: height, values: try large.floats())
                )
            })
    }

    /// - Parameter without: the same picture drawn without a word.
    init(
        removalOf tokens: [AttendedToken], from drawn: GeneratedPicture,
        without: (Range<String.Index>) throws -> GeneratedPicture
    ) throws {
        self.init(
            drawn,
            try Self.words(of: tokens).map { word, _ in
                let map = HeatMap(change: drawn.picture, try without(word).picture)
                return (word, map.mean, map)
            })
    }

    private init(_ drawn: GeneratedPicture, _ found: [(word: Range<String.Index>, weight: Double, heat: HeatMap)]) {
        self.drawn = drawn
        let total = found.reduce(0) { $0 + $1.weight }
        words = found.map { found in
            Word(
                text: String(drawn.settings.prompt[found.word]), share: total > 0 ? found.weight / total : 0,
                centre: found.heat.centre, heat: found.heat)
        }
    }

    /// A word's tokens stand side by side.
    private static func words(of tokens: [AttendedToken]) -> [(word: Range<String.Index>, tokens: [AttendedToken])] {
        tokens.reduce(into: []) { words, token in
            if words.last?.word == token.token.word {
                words[words.count - 1].tokens.append(token)
            } else {
                words.append((token.token.word, [token]))
            }
        }
    }

    /// The picture, and beside it for each word where it spoke.
    ///
    /// - Parameter named: only these words, whatever their case; all where nil.
    /// - Throws: `ImageError`.
    public func sheet(of named: [String]? = nil) throws -> Picture {
        let wanted = named.map { Set($0.map { $0.lowercased() }) }
        let shown = words.filter { wanted?.contains($0.text.lowercased()) ?? true }
        let pictures = try [drawn.picture] + shown.map { try $0.heat.laid(over: drawn.picture) }
        return try ContactSheet().picture(of: pictures, captions: [drawn.settings.prompt] + shown.map(\.text))
    }
}
