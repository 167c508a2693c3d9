/// The best of the candidates drawn so far, by their likeness to the prompt.
///
/// ```swift
/// var shortlist = Shortlist(places: 2)
/// for try await step in model.stream(request) { shortlist.take(step.results) }  // request.candidates = 16
/// shortlist.best
/// ```
public struct Shortlist: Sendable {
    public let places: Int
    /// At most `places`, the likest first; of equals, the one drawn first.
    public private(set) var best: [GeneratedPicture] = []
    /// Of all candidates, in the order they were drawn.
    public private(set) var scores: [Score] = []

    /// A candidate and its likeness to the prompt.
    public struct Score: Sendable, Hashable, Codable {
        public let seed: UInt64
        /// The cosine of the picture's and the prompt's embeddings.
        public let likeness: Double
    }

    public init(places: Int) { self.places = places }

    /// - Parameter pictures: of a request with `candidates`; others are passed over.
    public mutating func take(_ pictures: [GeneratedPicture]) {
        for picture in pictures {
            guard let likeness = picture.likeness else { continue }
            scores.append(Score(seed: picture.settings.seed, likeness: likeness))
            let place = best.firstIndex { likeness > $0.likeness ?? -.infinity } ?? best.count
            best.insert(picture, at: place)
            if best.count > places { best.removeLast() }
        }
    }
}
