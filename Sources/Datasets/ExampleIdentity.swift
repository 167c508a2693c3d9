import Foundation
import Images

/// Which example it is, and what tells whether it is still the same: for those that keep something about a set's pictures.
public struct ExampleIdentity: Sendable, Equatable {
    /// As `Example.key`.
    public var key: String
    /// Another one where the picture or its captions may have changed.
    public var stamp: String
    /// The file that holds this picture and nothing else, where there is one.
    public var path: String?

    public init(key: String, stamp: String, path: String? = nil) {
        self.key = key
        self.stamp = stamp
        self.path = path
    }
}

extension CaptionedPictures {
    /// Reads the picture: sets that know without say it themselves.
    public func identity(at index: Int) throws -> ExampleIdentity {
        let example = try example(at: index, variation: 0)
        return ExampleIdentity(key: example.key, stamp: stamp(try captions(at: index), example.picture.pixels))
    }
}

/// Sixteen digits that other texts or bytes hardly have: FNV-1a, each text with its end.
func stamp(_ texts: [String], _ bytes: [UInt8] = []) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for text in texts {
        text.utf8.forEach(add)
        add(0)
    }
    bytes.forEach(add)
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// A file's size and when it was last changed, to a microsecond; of a link, those of the file that it leads to.
/// - Throws: `DatasetError.unreadable`.
func stamp(ofFile path: String) throws(DatasetError) -> String {
    guard let resolved = realpath(path, nil) else { throw .unreadable(path, reason: String(cString: strerror(errno))) }
    defer { free(resolved) }
    do {
        let attributes = try FileManager.default.attributesOfItem(atPath: String(cString: resolved))
        let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let size = (attributes[.size] as? NSNumber)?.int64Value ?? 0
        return "\(size)-\(Int64((changed * 1e6).rounded()))"
    } catch {
        throw .unreadable(path, reason: error.localizedDescription)
    }
}
