internal import Datasets
internal import Images

/// A set as an index sees it: the first of its pictures, each with a name of its own.
///
/// The first picture with a key is named so. The others with that key are named `key#2`, `key#3` and so on; a name that is
/// the key of any picture looked at is passed over.
struct NamedPictures: Sendable {
    let set: any CaptionedPictures
    /// By place; nil where the picture cannot even be named.
    let identities: [Result<ExampleIdentity, any Error>]

    /// - Parameter limit: at most so many pictures.
    /// - Throws: `CancellationError`.
    init(_ set: any CaptionedPictures, limit: Int?) throws {
        self.set = set
        var identities: [Result<ExampleIdentity, any Error>] = []
        for place in 0..<min(set.count, limit ?? .max) {
            if place % 1024 == 0, Task.isCancelled { throw CancellationError() }
            identities.append(Result { try set.identity(at: place) })
        }
        let keys = Set(identities.compactMap { try? $0.get().key })
        // The number of the last picture with a key.
        var numbers: [String: Int] = [:]
        for place in identities.indices {
            guard case .success(var identity) = identities[place] else { continue }
            let key = identity.key
            guard var number = numbers[key] else {
                numbers[key] = 1
                continue
            }
            repeat { number += 1 } while keys.contains("\(key)#\(number)")
            numbers[key] = number
            identity.key = "\(key)#\(number)"
            identities[place] = .success(identity)
        }
        self.identities = identities
    }

    var count: Int { identities.count }

    /// How an index and the collection differ.
    struct Comparison {
        /// Keys of the index that are not in the collection, and those whose pictures have changed.
        var gone: [String] = []
        var changed: [String] = []
        /// Places of pictures that the index lacks or has otherwise.
        var missing: [Int] = []
    }

    func compared(with known: [String: IndexWriter.Known]) -> Comparison {
        var comparison = Comparison()
        var seen: Set<String> = []
        var unnamed: Set<Int> = []
        for (place, identity) in identities.enumerated() {
            guard let identity = try? identity.get() else {
                comparison.missing.append(place)
                unnamed.insert(place)
                continue
            }
            seen.insert(identity.key)
            guard let there = known[identity.key] else {
                comparison.missing.append(place)
                continue
            }
            if there.stamp != identity.stamp {
                comparison.changed.append(identity.key)
                comparison.missing.append(place)
            }
        }
        // What cannot be named now may still have the name it had; and with a limit, what stood beyond it is not looked at.
        comparison.gone = known.filter { key, there in
            !seen.contains(key) && !unnamed.contains(there.place) && (count == set.count || there.place < count)
        }.sorted { $0.value.row < $1.value.row }.map(\.key)
        return comparison
    }
}
