import Foundation
import Layers
import Tensors

/// The shards that an index (`….safetensors.index.json`, `….bin.index.json`) names, as one source.
struct ShardIndex {
    /// Opens every shard beside the index.
    ///
    /// - Throws: `CheckpointError` for an index that names files outside its folder, or tensors that are not where it
    ///   says; `TensorFileError` for a shard that cannot be read.
    static func open(_ path: String) throws -> any TensorSource {
        let index = try JSONObject(path: path)
        let map = try index.require("weight_map", index.object("weight_map"))
        var shards: [String: [String]] = [:]
        for key in map.members.keys.sorted() {
            let shard = try map.require(key, map.string(key))
            guard isPlainName(shard) else { throw map.wrong(key, expected: "the name of a file in the same folder") }
            shards[shard, default: []].append(key)
        }
        guard !shards.isEmpty, shards.count <= 1000 else {
            throw CheckpointError(path, "names \(shards.count) shards", expected: "1 to 1,000")
        }
        let folder = (path as NSString).deletingLastPathComponent
        return JoinedSource(
            try shards.keys.sorted().map { shard in
                let archive = try TensorArchive.open((folder as NSString).appendingPathComponent(shard))
                for key in shards[shard] ?? [] where archive[key] == nil {
                    throw CheckpointError(path, "\(key) is said to be in \(shard), and is not", expected: "a sound index")
                }
                return archive
            })
    }

    /// Whether a name from a file stays in its folder.
    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count < 256
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
    }
}
