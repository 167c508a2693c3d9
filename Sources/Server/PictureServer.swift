package import FlyingFox
internal import FlyingSocks
internal import Foundation
public import Checkpoints
public import Moonlit

/// Draws pictures for browsers and programs over HTTP: a page to draw by hand, OpenAI's images API, and the part of the
/// Stable Diffusion web UI's API (`/sdapi/v1`) that clients use to draw.
///
/// ```swift
/// let server = PictureServer(model: try await TextToImage.load())
/// try await server.run { print("http://\($0)") }
/// ```
///
/// Pictures are drawn one request after another, in the order of arrival.
public struct PictureServer: Sendable {
    private let options: Options
    private let routes: RoutedHTTPHandler

    public struct Options: Sendable {
        /// An address of this machine as numbers, or `localhost`; `0.0.0.0` is all of them. There is no password: whoever
        /// reaches it can draw.
        public var host: String
        /// 0 takes any that is free.
        public var port: UInt16
        /// Requests that may wait for the one being drawn; more are turned away with status 503.
        public var waiting: Int
        /// Of every request, as in `GenerationRequest`.
        public var clipSkip: Int
        /// As `clipSkip`.
        public var tiling: TilingChoice

        public init(
            host: String = "127.0.0.1", port: UInt16 = 7860, waiting: Int = 32, clipSkip: Int = 1,
            tiling: TilingChoice = .auto
        ) {
            (self.host, self.port, self.waiting) = (host, port, waiting)
            (self.clipSkip, self.tiling) = (clipSkip, tiling)
        }
    }

    /// A model that enlarges what the first one draws.
    public struct SecondStage: Sendable {
        public var model: TextToImage
        /// Where it is, for the pictures' settings.
        public var path: String

        public init(model: TextToImage, path: String) { (self.model, self.path) = (model, path) }
    }

    public init(model: TextToImage, enlargedBy second: SecondStage? = nil, options: Options = Options()) {
        self.options = options
        let studio = Studio(model: model, second: second, options: options)
        var routes = RoutedHTTPHandler()
        routes.appendRoute("GET /") { _ in
            HTTPResponse(
                statusCode: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: Data(PackageResources.page_html))
        }
        OpenAIImages(studio: studio).add(to: &routes)
        WebUI(studio: studio).add(to: &routes)
        self.routes = routes
    }

    /// Serves until the task is cancelled or the address fails.
    ///
    /// - Parameter ready: gets host and port as soon as requests are heard.
    /// - Throws: `ServerError.address` where it cannot listen.
    public func run(_ ready: @Sendable (String) -> Void = { _ in }) async throws {
        let server = HTTPServer(
            config: .init(address: try address(), timeout: Self.longest, logger: .disabled),
            handler: Gate(isLocal: isLocal, routes: routes))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await server.run() } catch {
                    if Task.isCancelled { throw CancellationError() }
                    throw ServerError.address("\(options.host):\(options.port)", reason: "\(error.localizedDescription)")
                }
            }
            group.addTask { try await server.waitUntilListening() }
            // Whichever ends first: it listens, or could not.
            try await group.next()
            if let address = await server.listeningAddress { ready(Self.text(address)) }
            try await group.next()
        }
    }

    /// Answers one request without a socket.
    package func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await Gate(isLocal: isLocal, routes: routes).handleRequest(request)
    }

    /// Seconds that one request may take: a large picture takes hours without a GPU.
    private static let longest = 86_400.0

    private static let localNames: Set = ["localhost", "127.0.0.1", "::1"]
    private var isLocal: Bool { Self.localNames.contains(options.host) }

    private func address() throws -> any SocketAddress {
        let host = options.host == "localhost" ? "127.0.0.1" : options.host
        do {
            return host.contains(":")
                ? try sockaddr_in6.inet6(ip6: host, port: options.port) : try sockaddr_in.inet(ip4: host, port: options.port)
        } catch {
            throw ServerError.address(options.host, reason: "expected an address of this machine as numbers, such as 127.0.0.1")
        }
    }

    private static func text(_ address: Socket.Address) -> String {
        switch address {
        case .ip4(let host, let port): "\(host):\(port)"
        case .ip6(let host, let port): "[\(host)]:\(port)"
        case .unix(let path): path
        }
    }
}

public enum ServerError: Error, Sendable, CustomStringConvertible {
    case address(String, reason: String)

    public var description: String {
        switch self {
        case .address(let address, let reason): "cannot listen at \(address): \(reason)"
        }
    }
}
