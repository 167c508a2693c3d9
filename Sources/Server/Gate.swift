import FlyingFox
import Foundation

/// What every request passes: pages of other sites must not be able to draw with a visitor's own machine.
///
/// A browser lets any page send plain forms anywhere, but asks before it sends JSON; which page sends an empty one, its
/// headers say. And a name that was made to point here is seen in the `Host` header.
struct Gate: HTTPHandler {
    /// Whether the server listens to this machine alone.
    let isLocal: Bool
    let routes: RoutedHTTPHandler

    /// Bytes of a request: some pictures of the largest size.
    private static let largest = 256 << 20
    private static let localNames: Set = ["localhost", "127.0.0.1", "[::1]"]

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        if isLocal, let host = request.headers[.host], !Self.localNames.contains(Self.name(host)) {
            return refuse(request, .forbidden, "this server is for its own machine, not for \(host)")
        }
        if request.method == .POST {
            let kind = request.headers[.contentType]?.split(separator: ";").first?.trimmingCharacters(in: .whitespaces)
            let isJSON = kind?.lowercased() == "application/json"
            guard isJSON || request.bodySequence.count == 0 && !Self.isForeign(request) else {
                return refuse(request, .unsupportedMediaType, "send JSON, with the header Content-Type: application/json")
            }
            guard let count = request.bodySequence.count else {
                return refuse(request, .lengthRequired, "send the body's length")
            }
            guard count <= Self.largest else {
                return refuse(request, .payloadTooLarge, "a request may have \(Self.largest >> 20) MiB")
            }
        }
        do { return try await routes.handleRequest(request) } catch is HTTPUnhandledError {
            return refuse(request, .notFound, "there is no \(request.method.rawValue) \(request.path)")
        }
    }

    /// In the form of the API that was asked: OpenAI's below `/v1/`, else the web UI's.
    private func refuse(_ request: HTTPRequest, _ status: HTTPStatusCode, _ reason: String) -> HTTPResponse {
        let answer =
            request.path.hasPrefix("/v1/")
            ? try? HTTPResponse.json(OpenAIImages.Failure(Refusal(status: status, reason: reason)), status: status)
            : try? HTTPResponse.json(["detail": reason, "error": reason], status: status)
        return answer ?? HTTPResponse(statusCode: status)
    }

    /// Whether a browser says that another site's page sends this; programs say nothing.
    private static func isForeign(_ request: HTTPRequest) -> Bool {
        if let site = request.headers[HTTPHeader("Sec-Fetch-Site")] { return site != "same-origin" && site != "none" }
        guard let origin = request.headers[HTTPHeader("Origin")] else { return false }
        // “null” is nobody's own.
        guard let scheme = origin.range(of: "://"), let host = request.headers[.host] else { return true }
        return origin[scheme.upperBound...] != host
    }

    /// Without the port.
    private static func name(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}
