public import Images

/// A picture with the words that describe it.
public struct Example: Sendable, Equatable {
    public var picture: Picture
    public var caption: String
    /// Names the example within its set: a file's path, a shard's entry, an emoji's name.
    public var key: String
    /// Where the caption's subjects stand; empty where the set does not know.
    public var regions: [Region]

    public init(picture: Picture, caption: String, key: String, regions: [Region] = []) {
        self.picture = picture
        self.caption = caption
        self.key = key
        self.regions = regions
    }
}

/// A finite set of captioned pictures that can be read in any order, by any number of threads at once.
///
/// `example(at:variation:)` is a pure function of its arguments and of the set: what may vary (which of several
/// captions, how a sentence is worded, the ground behind a cut-out) is drawn from `variation` and from nothing else.
/// A run that resumes asks for the same numbers and therefore sees what an uninterrupted run would have seen.
public protocol CaptionedPictures: Sendable {
    /// What the set is called in logs and summaries.
    var name: String { get }
    var count: Int { get }

    /// - Parameters:
    ///   - index: 0 ..< `count`.
    ///   - variation: any number; see `ShuffledOrder.Element.variation`.
    /// - Throws: `DatasetError` or `ImageError`, naming the file.
    func example(at index: Int, variation: UInt64) throws -> Example

    /// Every caption the example can have, or, where they are drawn from templates, a few of them.
    /// Serves summaries and search; reads no picture where the set knows its captions without.
    func captions(at index: Int) throws -> [String]

    /// Captions that are not true of the example but nearly are, for a model that learns to tell captions apart.
    ///
    /// - Parameter variation: as for `example`, so that they are worded as its caption is.
    /// - Returns: at most `count`; none where the set knows no such captions.
    func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String]

    /// What a person should know about the set: pictures without captions, shards that were odd. A sentence each.
    var notes: [String] { get }

    /// Names the example and tells whether it is what it was; reads no picture where the set knows without.
    func identity(at index: Int) throws -> ExampleIdentity
}

extension CaptionedPictures {
    public func captions(at index: Int) throws -> [String] {
        [try example(at: index, variation: 0).caption]
    }

    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] { [] }

    public var notes: [String] { [] }

    /// Refuses an index outside the set, as every implementation must before it reads anything.
    public func check(_ index: Int) throws(DatasetError) {
        guard index >= 0, index < count else {
            throw .invalid("\(name): example \(index) of a set of \(count)")
        }
    }
}
