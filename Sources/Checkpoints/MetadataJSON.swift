import Foundation

extension Encodable {
    /// As it stands in a file's metadata: one line, keys in order.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension Decodable {
    /// A configuration from a file's metadata.
    /// - Throws: `CheckpointError` naming the file and the place in the JSON.
    init(metadata json: String, file: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
        } catch let error as DecodingError {
            throw CheckpointError(
                file, "the configuration in its metadata does not read: \(error.summary)",
                expected: "JSON as Moonlit writes it")
        }
    }
}
