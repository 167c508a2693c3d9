import Foundation
import Tensors

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

extension JSONObject {
    /// An object that others wrote into a file's metadata.
    ///
    /// - Returns: nil where the metadata lack the key.
    /// - Throws: `CheckpointError` naming the file and the key.
    init?(metadata key: String, of archive: TensorArchive) throws {
        guard let text = archive.metadata[key] else { return nil }
        let value = try? JSONDecoder().decode(AnyValue.self, from: Data(text.utf8))
        guard case .object(let members)? = value?.json else {
            throw CheckpointError(archive.file.path, "\(key) in its metadata holds no JSON object", expected: "{ … }")
        }
        self.init(file: archive.file.path, members: members)
    }
}

/// Whatever is there.
private struct AnyValue: Decodable {
    let json: JSONValue

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            json = .null
        } else if let flag = try? container.decode(Bool.self) {
            json = .bool(flag)
        } else if let number = try? container.decode(Double.self) {
            json = .number(number)
        } else if let text = try? container.decode(String.self) {
            json = .string(text)
        } else if let elements = try? container.decode([AnyValue].self) {
            json = .array(elements.map(\.json))
        } else {
            json = .object(try container.decode([String: AnyValue].self).mapValues(\.json))
        }
    }
}
