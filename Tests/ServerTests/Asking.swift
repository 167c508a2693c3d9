import FlyingFox
import Foundation
import Images
import Moonlit
import Server
import Testing

/// A server of the embedded model, asked without a socket.
struct Asking {
    let model: TextToImage
    let second: PictureServer.SecondStage?
    let server: PictureServer

    /// - Parameter enlarges: by the embedded upsampler.
    init(waiting: Int = 8, enlarges: Bool = false) async throws {
        model = try await TextToImage.load(options: .init(threads: 1))
        if enlarges {
            let upsampler = try await TextToImage.load(.embedded("scenes-256"), options: .init(threads: 1))
            second = PictureServer.SecondStage(model: upsampler, path: "scenes-256")
        } else {
            second = nil
        }
        server = PictureServer(model: model, enlargedBy: second, options: .init(waiting: waiting))
    }

    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let body: Data

        /// The body as JSON.
        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
        }

        /// Server-sent events: name and JSON.
        func events() throws -> [(name: String, value: [String: Any])] {
            try String(decoding: body, as: UTF8.self).components(separatedBy: "\n\n").filter { !$0.isEmpty && $0 != ":" }.map { event in
                let lines = event.components(separatedBy: "\n")
                try #require(lines.count == 2 && lines[0].hasPrefix("event: ") && lines[1].hasPrefix("data: "))
                let value = try JSONSerialization.jsonObject(with: Data(lines[1].dropFirst(6).utf8))
                return (String(lines[0].dropFirst(7)), try #require(value as? [String: Any]))
            }
        }
    }

    func callAsFunction(
        _ method: HTTPMethod, _ path: String, _ json: [String: any Sendable]? = nil, body: Data? = nil,
        headers: [HTTPHeader: String] = [.contentType: "application/json"]
    ) async throws -> Answer {
        let response = try await begin(method, path, json, body: body, headers: headers)
        let sentBack = try await response.bodyData
        return Answer(
            status: response.statusCode.code, headers: response.headers,
            body: response.headers[.contentType] == "text/event-stream" ? try Self.joined(sentBack) : sentBack)
    }

    /// What is answered before its body is read.
    func begin(
        _ method: HTTPMethod, _ path: String, _ json: [String: any Sendable]? = nil, body: Data? = nil,
        headers: [HTTPHeader: String] = [.contentType: "application/json"]
    ) async throws -> HTTPResponse {
        let sent = try body ?? json.map { try JSONSerialization.data(withJSONObject: $0) } ?? Data()
        let parts = path.split(separator: "?").map(String.init)
        let query = parts.dropFirst().flatMap { $0.split(separator: "&") }.map { pair in
            let sides = pair.split(separator: "=").map(String.init)
            return HTTPRequest.QueryItem(name: sides[0], value: sides[1])
        }
        return try await server.answer(
            HTTPRequest(method: method, version: .http11, path: parts[0], query: query, headers: headers, body: sent))
    }

    /// What `progress` says of the request being drawn.
    func state() async throws -> [String: Any] {
        let progress = try await callAsFunction(.GET, "/sdapi/v1/progress").json()
        return try #require(progress["state"] as? [String: Any])
    }

    /// What stands in the chunks of a chunked body (RFC 9112, §7.1).
    private static func joined(_ chunked: Data) throws -> Data {
        var (rest, body) = (chunked[...], Data())
        while let line = rest.firstRange(of: Data("\r\n".utf8)) {
            let count = try #require(Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16))
            rest = rest[line.upperBound...]
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return body
    }
}

func picture(base64 text: Any?) throws -> (picture: Picture, bytes: Data) {
    let text = try #require(text as? String)
    let bytes = try #require(Data(base64Encoded: text))
    return (try Picture(decoding: bytes), bytes)
}
