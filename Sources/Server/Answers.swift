import Checkpoints
import FlyingFox
import Foundation
import Images
import Moonlit

extension Encodable {
    /// On one line, the same bytes for the same value.
    func jsonData() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

extension HTTPResponse {
    static func json(_ value: some Encodable, status: HTTPStatusCode = .ok) throws -> HTTPResponse {
        HTTPResponse(statusCode: status, headers: [.contentType: "application/json"], body: try value.jsonData())
    }
}

extension HTTPRequest {
    /// - Throws: `Refusal` that says which key is wrong.
    func json<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        do { return try JSONDecoder().decode(type, from: await bodyData) } catch let error as DecodingError {
            throw Refusal(reason: error.place)
        }
    }
}

extension DecodingError {
    fileprivate var place: String {
        switch self {
        case .keyNotFound(let key, _): "“\(key.stringValue)” is missing"
        case .typeMismatch(let type, let context): "“\(context.path)” is of the wrong kind; expected \(type)"
        case .valueNotFound(let type, let context): "“\(context.path)” is null; expected \(type)"
        case .dataCorrupted(let context): context.path.isEmpty ? "the body does not read as JSON: \(context.debugDescription)" : "“\(context.path)”: \(context.debugDescription)"
        @unknown default: "\(self)"
        }
    }
}

extension DecodingError.Context {
    fileprivate var path: String { codingPath.map(\.stringValue).joined(separator: ".") }
}

/// A request that cannot be met, and why.
struct Refusal: Error {
    var status = HTTPStatusCode.badRequest
    /// The key at fault, where one is.
    var key: String?
    var reason: String

    /// Whose fault an error is: what was asked for, or this machine.
    init(_ error: any Error) {
        switch error {
        case let refusal as Refusal: self = refusal
        case let error as GenerationError:
            var key: String?
            if case .invalid(let option, _, _) = error { key = option.replacingOccurrences(of: "-", with: "_") }
            self.init(key: key, reason: error.description)
        case let error as ImageError: self.init(reason: "\(error)")
        case is CancellationError: self.init(status: .init(499, phrase: "Interrupted"), reason: "interrupted")
        default: self.init(status: .internalServerError, reason: "\(error)")
        }
    }

    init(status: HTTPStatusCode = .badRequest, key: String? = nil, reason: String) {
        (self.status, self.key, self.reason) = (status, key, reason)
    }
}

extension InputPicture {
    /// Of Base64, as it is or as a `data:` URL.
    init(base64 text: String, key: String) throws {
        let body = text.hasPrefix("data:") ? text.firstIndex(of: ",").map { text[text.index(after: $0)...] } ?? "" : text[...]
        guard let data = Data(base64Encoded: String(body), options: .ignoreUnknownCharacters), !data.isEmpty else {
            throw Refusal(key: key, reason: "\(key) is no picture in Base64")
        }
        try self.init(Picture(decoding: data, name: key))
    }
}
