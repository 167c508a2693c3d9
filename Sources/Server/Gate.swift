import FlyingFox
import Foundation

/// What every request passes: pages of other sites must not be able to draw with a visitor's own machine.
///
/// A browser lets any page send plain forms anywhere, but asks before it sends JSON; and a name that was made to point here
/// is seen in the `Host` header.
struct Gate: HTTPHandler {
    /// Whether the server listens to this machine alone.
    let isLocal: Bool
    let routes: RoutedHTTPHandler

    /// Bytes of a request: some pictures of the largest size.
    private static let largest = 256 << 20
    private static let localNames: Set = ["localhost", "127.0.0.1", "[::1]"]

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        if isLocal, let host = request.headers[.host], !Self.localNames.contains(Self.name(host)) {
            return refuse(.forbidden, "this server is for its own machine, not for \(host)")
        }
        if request.method == .POST {
            let kind = request.headers[.contentType]?.split(separator: ";").first?.trimmingCharacters(in: .whitespaces)
            guard kind?.lowercased() == "application/json" || request.bodySequence.count == 0 else {
                return refuse(.unsupportedMediaType, "send JSON, with the header Content-Type: application/json")
            }
            guard let count = request.bodySequence.count else {
                return refuse(.lengthRequired, "send the body's length")
            }
            guard count <= Self.largest else {
                return refuse(.payloadTooLarge, "a request may have \(Self.largest >> 20) MiB")
            }
        }
        do { return try await routes.handleRequest(request) } catch is HTTPUnhandledError {
            return refuse(.notFound, "there is no \(request.method.rawValue) \(request.path)")
        }
    }

    private func refuse(_ status: HTTPStatusCode, _ reason: String) -> HTTPResponse {
        // In both forms, for clients of either API.
        (try? .json(["detail": reason, "error": reason], status: status)) ?? HTTPResponse(statusCode: status)
    }

    /// Without the port.
    private static func name(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}
