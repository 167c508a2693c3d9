import FlyingFox
import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
import Moonlit
import Server
import Testing

@Suite(.timeLimit(.minutes(5))) struct ServingTests {
    @Test func aPageToDrawBy() async throws {
        let answer = try await Asking()(.GET, "/", headers: [:])
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
        #expect(String(decoding: answer.body, as: UTF8.self).contains("<form"))
    }

    /// Pages of other sites can send plain forms, and names that point here.
    @Test func otherSitesCannotDraw() async throws {
        let ask = try await Asking()
        let body = Data(#"{"prompt": "a", "steps": 1}"#.utf8)
        let path = "/v1/images/generations"
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            #expect(try await ask(.POST, path, body: body, headers: [.contentType: kind]).status == 415)
        }
        let unnamed = try await ask(.POST, path, body: body, headers: [:])
        #expect(unnamed.status == 415)
        let error = try #require(try unnamed.json()["error"] as? [String: Any], "in the form of OpenAI's API")
        #expect((error["message"] as? String)?.contains("application/json") == true)
        let foreign: [HTTPHeader: String] = [.contentType: "application/json", .host: "evil.example:7860"]
        #expect(try await ask(.POST, path, body: body, headers: foreign).status == 403)
        for host in ["localhost:7860", "127.0.0.1", "[::1]:7860"] {
            let own: [HTTPHeader: String] = [.contentType: "application/json; charset=utf-8", .host: host]
            #expect(try await ask(.POST, path, body: body, headers: own).status == 200)
        }
        let unknown = try await ask(.GET, "/v2/anything")
        #expect(unknown.status == 404)
        #expect((try unknown.json()["detail"] as? String)?.contains("/v2/anything") == true)
    }

    /// A body that is empty needs no kind: which page sends it, the browser says.
    @Test func otherSitesCannotInterrupt() async throws {
        let ask = try await Asking()
        let path = "/sdapi/v1/interrupt"
        let (origin, site) = (HTTPHeader("Origin"), HTTPHeader("Sec-Fetch-Site"))
        let foreign = [
            (origin, "http://evil.example"), (origin, "null"), (origin, "http://localhost:3000"), (site, "cross-site"),
            (site, "same-site"),
        ]
        for (header, value) in foreign {
            let sent: [HTTPHeader: String] = [.contentType: "text/plain", .host: "localhost:7860", header: value]
            #expect(try await ask(.POST, path, headers: sent).status == 415, "\(value)")
        }
        for (header, value) in [(origin, "http://localhost:7860"), (site, "same-origin")] {
            let sent: [HTTPHeader: String] = [.host: "localhost:7860", header: value]
            #expect(try await ask(.POST, path, headers: sent).status == 200, "\(value)")
        }
        #expect(try await ask(.POST, path, headers: [:]).status == 200)
    }

    @Test func turnsAwayWhenTooManyWait() async throws {
        let ask = try await Asking(waiting: 0)
        async let first = ask(.POST, "/sdapi/v1/txt2img", ["prompt": "a fox", "steps": 1000])
        while try await ask(.GET, "/sdapi/v1/progress").json()["progress"] as? Double == 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try await ask(.POST, "/v1/images/generations", ["prompt": "a", "steps": 1]).status == 503)
        let streamed = try await ask(.POST, "/v1/images/generations", ["prompt": "a", "steps": 1, "stream": true])
        #expect(streamed.status == 503)
        _ = try await ask(.POST, "/sdapi/v1/interrupt")
        _ = try await first
        #expect(try await ask(.POST, "/v1/images/generations", ["prompt": "a", "steps": 1]).status == 200)
    }

    @Test func answersOverASocketUntilItIsCancelled() async throws {
        let model = try await TextToImage.load(options: .init(threads: 1))
        let (addresses, ready) = AsyncStream.makeStream(of: String.self)
        let serving = Task {
            try await PictureServer(model: model, options: .init(port: 0)).run { ready.yield($0) }
        }
        var iterator = addresses.makeAsyncIterator()
        let address = try #require(await iterator.next())
        #expect(address.hasPrefix("127.0.0.1:"))
        let url = try #require(URL(string: "http://\(address)/v1/images/generations"))
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(#"{"prompt": "a fox", "seed": 4, "steps": 2, "stream": true, "partial_images": 1}"#.utf8)
        let (body, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == 200)
        #expect(String(decoding: body, as: UTF8.self).contains("event: image_generation.completed\n"))

        // The same port is taken now.
        let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        await #expect(throws: ServerError.self) {
            try await PictureServer(model: model, options: .init(port: port)).run()
        }
        serving.cancel()
        _ = await serving.result
        await #expect(throws: (any Error).self) { _ = try await URLSession.shared.data(for: request) }
    }

    @Test func refusesAddressesThatAreNone() async throws {
        let model = try await TextToImage.load(options: .init(threads: 1))
        for host in ["moonlit.example", "", "1.2.3.4.5"] {
            await #expect(throws: ServerError.self) {
                try await PictureServer(model: model, options: .init(host: host, port: 0)).run()
            }
        }
    }
}
