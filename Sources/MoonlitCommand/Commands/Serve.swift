import ArgumentParser
import Checkpoints
import Foundation
import Moonlit
import Server

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws pictures for browsers and programs over HTTP.",
        discussion: """
            Examples:
              moonlit serve
              moonlit serve --model sd15 --port 8080

            At / there is a page to draw by hand; /v1/images/generations is OpenAI's images API, and /sdapi/v1 what clients \
            of the Stable Diffusion web UI draw with. It listens to this machine alone unless --host says otherwise; there is \
            no password. Ctrl-C ends it.
            """)

    @Option(
        help: """
            An embedded model's name, a folder as diffusers writes it, or a file: .safetensors, .ckpt or .pt. The embedded \
            one unless given.
            """)
    var model: String?

    @Option(help: "Enlarge each picture by this model, such as GLIDE's upsampler, or none.")
    var upscale: String?

    @Option(help: "The address to listen at; 0.0.0.0 is every one of this machine.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 takes any that is free.")
    var port: UInt16 = 7860

    @Option(help: "Requests that may wait for the one being drawn; more are turned away.")
    var waiting = 32

    @OptionGroup(title: "Network") var network: NetworkOptions

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    func validate() throws {
        guard (0...10_000).contains(waiting) else {
            throw ValidationError("--waiting is \(waiting); expected 0 to 10,000.")
        }
    }

    func run() async throws {
        var options = try compute.resolved()
        network.apply(to: &options)
        let source = model.map { ModelSource($0) } ?? .bundled
        // What cannot draw by itself is refused before the weights are read.
        _ = try Settings(GenerationRequest(prompt: ""), model: PublishedModel(source.path()).configuration)
        let drawing = try await TextToImage.load(source, options: options)
        if let standIn = drawing.configuration.samplerStandIn { Console.say("note: \(standIn); requests may name another") }
        var second: PictureServer.SecondStage?
        if let upscale, upscale != "none" {
            let source = ModelSource(upscale)
            let model = try await TextToImage.load(source, options: compute.resolved())
            try model.checkEnlarges(option: "upscale")
            second = .init(model: model, path: try source.path())
        }
        let server = PictureServer(
            model: drawing, enlargedBy: second,
            options: .init(
                host: host, port: port, waiting: waiting, clipSkip: network.clipSkip, tiling: network.vaeTiling))
        do {
            try await server.run { Console.say("\(drawing.configuration.name) is served at http://\($0)/") }
        } catch is CancellationError {
            // Ctrl-C is how it ends.
        }
    }
}
