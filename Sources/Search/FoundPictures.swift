public import Datasets
public import Images

extension SearchIndex {
    /// The pictures that were found, as their collection has them now; nil for one that is no longer there, or not to be
    /// read.
    public static func pictures(of found: [Found], in collection: any CaptionedPictures) -> [Picture?] {
        var places: [String: Int]?
        return found.map { one in
            let entry = one.entry
            // Where it stood, if it is the same file or still what it was: another there may have the same name.
            if entry.place < collection.count, let identity = try? collection.identity(at: entry.place),
                entry.stamp == identity.stamp || (entry.path != nil && entry.path == identity.path),
                entry.key == identity.key || entry.key.hasPrefix(identity.key + "#")
            { return try? collection.example(at: entry.place, variation: 0).picture }
            if places == nil { places = Self.places(in: collection) }
            return places?[entry.key].flatMap { try? collection.example(at: $0, variation: 0).picture }
        }
    }

    /// A picture that has moved or changed is looked for among so many of the collection's first ones.
    private static let searchable = 1_000_000

    private static func places(in collection: any CaptionedPictures) -> [String: Int] {
        guard let named = try? NamedPictures(collection, limit: searchable) else { return [:] }
        var places: [String: Int] = [:]
        for (place, identity) in named.identities.enumerated() {
            if let key = try? identity.get().key { places[key] = place }
        }
        return places
    }
}
