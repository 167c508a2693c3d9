internal import Foundation
internal import Layers
package import Tensors

/// A run's checkpoints: folders `step-00001000` that hold `state.safetensors` and `manifest.json`, the file's length and
/// CRC-32C. None is ever seen half written.
package struct CheckpointStore {
    package let folder: String
    /// How many stay.
    package let keep: Int
    /// Called at each point where a crash would leave something else on the disk; tests throw from it.
    package var checkpointReached: (Moment) throws -> Void = { _ in }

    package enum Moment: CaseIterable { case began, wroteState, wroteManifest, published, removed }

    package struct Found {
        package let step: Int
        package let path: String
        package let archive: TensorArchive
        /// What the objective says of its model, JSON.
        package let description: String
    }

    private struct Manifest: Codable {
        var step: Int
        var bytes: Int
        var crc32c: UInt32
    }

    private static let stateName = "state.safetensors"
    private static let manifestName = "manifest.json"

    package init(folder: String, keep: Int) {
        self.folder = folder
        self.keep = keep
    }

    static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// The steps of the checkpoints there are, ascending.
    package var steps: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.filter { $0 >= 0 }.sorted()
    }

    /// Writes and publishes a checkpoint, then removes those that are too many.
    /// - Throws: `TensorFileError` or `TrainingError.unwritable`, as for a full disk; earlier checkpoints are then as
    ///   they were.
    package func write(step: Int, state: [(name: String, value: Tensor)], description: String) throws {
        // Where there is one of this step, it can only be one that was found damaged.
        try ReplacedFolder.fill(folder + "/" + Self.name(step)) { partial in
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
            try checkpointReached(.began)
            let path = partial + "/" + Self.stateName
            try Safetensors.write(state, metadata: ["model": description, "step": String(step)], to: path)
            try checkpointReached(.wroteState)
            let (bytes, crc) = try Self.checksum(path)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let manifest = try encoder.encode(Manifest(step: step, bytes: bytes, crc32c: crc))
            try Durable.write(manifest, to: partial + "/" + Self.manifestName)
            try checkpointReached(.wroteManifest)
        }
        try checkpointReached(.published)
        for old in steps.filter({ $0 <= step }).dropLast(keep) {
            try? FileManager.default.removeItem(atPath: folder + "/" + Self.name(old))
        }
        try checkpointReached(.removed)
    }

    /// The newest checkpoint that is whole; damaged ones are passed over.
    /// - Parameter skipped: told of each that is passed over, and why.
    package func latest(skipped: (TrainingError) -> Void = { _ in }) -> Found? {
        for step in steps.reversed() {
            do {
                return try read(step)
            } catch let error as TrainingError {
                skipped(error)
            } catch {
                skipped(.checkpoint(folder + "/" + Self.name(step), problem: "\(error)"))
            }
        }
        return nil
    }

    /// Removes what an interrupted writer left behind.
    package func removePartial() { ReplacedFolder.removeRemains(in: folder) }

    private func read(_ step: Int) throws -> Found {
        let path = folder + "/" + Self.name(step)
        let state = path + "/" + Self.stateName
        guard let data = FileManager.default.contents(atPath: path + "/" + Self.manifestName),
            let manifest = try? JSONDecoder().decode(Manifest.self, from: data)
        else { throw TrainingError.checkpoint(path, problem: "its manifest cannot be read") }
        guard manifest.step == step else {
            throw TrainingError.checkpoint(path, problem: "its manifest is of step \(manifest.step)")
        }
        let (bytes, crc) = try Self.checksum(state)
        guard bytes == manifest.bytes, crc == manifest.crc32c else {
            throw TrainingError.checkpoint(
                state, problem: "its \(bytes) bytes are not the \(manifest.bytes) that were written")
        }
        let archive = try TensorArchive.open(state)
        guard let description = archive.metadata["model"] else {
            throw TrainingError.checkpoint(state, problem: "it does not say of which model it is")
        }
        return Found(step: step, path: path, archive: archive, description: description)
    }

    private static func checksum(_ path: String) throws -> (bytes: Int, crc: UInt32) {
        let file = try MappedFile(path)
        var crc = CRC32C()
        file.withBytes { crc.update($0) }
        return (file.count, crc.value)
    }
}
