import Checkpoints
public import Images
import Models
import Tensors

/// Which word made which part of a picture: by how strongly each place attended to the word while the picture was drawn
/// (Tang et al. 2023, "What the DAAM"), or by what changes without it.
///
/// ```swift
/// let explanation = try await model.explain(.init(prompt: "a fox in the snow", seed: 7))
/// for word in explanation.words { print(word.text, word.share, word.centre) }
/// try explanation.sheet().write(to: "fox.png")
/// ```
public struct Explanation: Sendable {
    /// The picture that is explained.
    public let drawn: GeneratedPicture
    /// In the prompt's order; those that the model reads, or of these the ones that were asked about.
    public let words: [Word]

    /// A word of the prompt, and where it spoke.
    public struct Word: Sendable {
        public let text: String
        /// How much is the word's of the attention to all words of the prompt, or of the change that leaving out each of
        /// the words asked about makes.
        public let share: Double
        /// Where: the mean place of what is above the map's mean, from the upper left corner, 0…1.
        public let centre: (x: Double, y: Double)
        /// How strongly it spoke at each pixel.
        public let heat: HeatMap
    }

    /// How it is found out.
    public enum Method: String, Sendable, Hashable, CaseIterable {
        /// How strongly each place attended to the word while the picture was drawn: one picture's time. Where the text's
        /// transformer mixes words, so does the map.
        case attention
        /// What changes when the picture is drawn again, from the same noise, without the word: one more picture
        /// for each word that is asked about.
        case removal
    }

    /// - Parameter factor: pixels for each of the sampler's numbers.
    init(attentionTo words: PromptWords, _ record: AttentionRecord, of drawn: GeneratedPicture, factor: Int) throws {
        let (height, width) = (drawn.picture.height, drawn.picture.width)
        guard let heat = try record.heat(height: height / factor, width: width / factor) else {
            self.init(drawn, [])
            return
        }
        let found = try words.all.map { word in
            let maps = try Tensor.concatenate(word.tokens.map { try heat.narrow(1, start: $0.place, length: 1) }, dim: 1)
            let mean = try maps.mean([1], keepDims: true)  // [1, 1, h, w]
            let large = try mean.resize(height: height, width: width, .bicubic).clamp(min: 0)
            return (
                word: word, weight: try mean.mean().item() * Double(word.tokens.count),
                heat: HeatMap(width: width, height: height, values: try large.floats())
            )
        }
        let total = found.reduce(0) { $0 + $1.weight }
        self.init(
            drawn,
            found.filter { words.isAsked($0.word) }.map { Word($0.word, weight: $0.weight, of: total, heat: $0.heat) })
    }

    /// - Parameter without: the same picture drawn without a word.
    init(
        removalOf words: PromptWords, from drawn: GeneratedPicture,
        without: (PromptWords.Word) throws -> GeneratedPicture
    ) throws {
        let found = try words.asked.map { word in
            (word: word, heat: HeatMap(change: drawn.picture, try without(word).picture))
        }
        let total = found.reduce(0) { $0 + $1.heat.mean }
        self.init(drawn, found.map { Word($0.word, weight: $0.heat.mean, of: total, heat: $0.heat) })
    }

    private init(_ drawn: GeneratedPicture, _ words: [Word]) {
        self.drawn = drawn
        self.words = words
    }

    /// The picture, and beside it for each word where it spoke.
    ///
    /// - Throws: `ImageError`.
    public func sheet() throws -> Picture {
        let pictures = try [drawn.picture] + words.map { try $0.heat.laid(over: drawn.picture) }
        return try ContactSheet().picture(of: pictures, captions: [drawn.settings.prompt] + words.map(\.text))
    }
}

extension Explanation.Word {
    fileprivate init(_ word: PromptWords.Word, weight: Double, of total: Double, heat: HeatMap) {
        text = word.text
        share = total > 0 ? weight / total : 0
        centre = heat.centre
        self.heat = heat
    }
}
