import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct ServeTests {
    @Test func servesUntilInterrupted() async throws {
        let folder = try Folder()
        let running = try Program.start(["serve", "--port", "0", "--threads", "1"], in: folder)
        var said = ""
        while !said.contains("http://127.0.0.1:"), running.process.isRunning {
            try await Task.sleep(for: .milliseconds(50))
            said = try String(contentsOf: running.messages, encoding: .utf8)
        }
        running.process.interrupt()
        let outcome = try running.finish()
        #expect(outcome.status == 0)
        #expect(outcome.messages.hasPrefix("scenes-latent is served at http://127.0.0.1:"))
        #expect(outcome.output.isEmpty)
    }

    @Test func saysWhatCannotBe() throws {
        let folder = try Folder()
        let host = try Program.run("serve", "--host", "moonlit.example", in: folder)
        #expect(host.status == 1)
        #expect(host.messages.contains("moonlit.example"))
        #expect(try Program.run("serve", "--model", "nothing", in: folder).status != 0)
        #expect(try Program.run("serve", "--port", "70000", in: folder).status == 64)
        #expect(try Program.run("serve", "--upscale", "scenes-latent", in: folder).status == 64)
    }
}
