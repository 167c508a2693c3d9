public import ArgumentParser
import Checkpoints
import Foundation
import Images
public import Moonlit
import Tensors

struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws a picture, and shows which word made which part of it.",
        discussion: """
            Examples:
              moonlit explain "a house next to a lake in moonlight" --seed 7 -o why.png
              moonlit explain "a fox in the snow" --by removal --words fox,snow --json -o why.png
              moonlit explain "a fox left of a house" --against "a house left of a fox" -o order.png

            The sheet shows the picture, and for each word where it spoke, light where most: how strongly each place \
            attended to it while the picture was drawn, over all steps, blocks and heads (Tang et al. 2023, "What the \
            DAAM"), or what changes when the picture is drawn again without it. Prompts are read plainly: the picture is \
            the one that moonlit generate --prompt-syntax plain draws.

            With --against, both prompts are drawn from the same noise, and the sheet shows where the pictures differ: \
            whether the order of words matters, or "in the background".
            """)

    @Argument(help: "What to draw.")
    var prompt: String

    @Option(help: "An embedded model's name, a folder as diffusers writes it, or a file. The embedded one unless given.")
    var model: String?

    @Option(name: [.short, .long], help: "A file ending in .png, .jpg or .webp. explain-SEED.png unless given.")
    var output: OutputPath?

    @Option(help: "How it is found out: attention, or removal, which draws one more picture for each word.")
    var by = Explanation.Method.attention

    @Option(help: "Another prompt, to be drawn from the same noise and compared.")
    var against: String?

    @Option(help: "Only these words, as house,lake; all unless given.")
    var words: Words?

    @Option(help: "Of the picture; drawn unless given, and printed.")
    var seed: UInt64?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @OptionGroup(title: "Network") var network: NetworkOptions

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    struct Words: ExpressibleByArgument {
        let list: [String]

        init?(argument: String) {
            list = argument.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            if list.isEmpty { return nil }
        }
    }

    struct Result: Encodable {
        struct Word: Encodable {
            let text: String
            /// Of the attention to all words of the prompt; or of the change that leaving out each of the words asked
            /// about makes.
            let share: Double
            /// 0…1, from the upper left.
            let x: Double
            let y: Double
        }
        let sheet: String
        let words: [Word]
        let settings: Settings
    }

    struct Difference: Encodable {
        let sheet: String
        /// Mean absolute difference, 0…1, and as a share of what it is to a picture of no prompt.
        let change: Double
        let share: Double
        let settings: [Settings]
    }

    func validate() throws {
        try output?.checkFormat("--output")
        if against != nil, words != nil || by != .attention {
            throw ValidationError("--against compares two prompts; leave out --words and --by.")
        }
    }

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 0..<1 << 32)
        let path = output?.path ?? "explain-\(seed).png"
        try OutputPath(path).checkWritable()
        let source = model.map { ModelSource($0) } ?? .bundled
        var options = try compute.resolved()
        network.apply(to: &options)
        var request = GenerationRequest(prompt: prompt, seed: seed, count: 1, batchSize: 1, sampling: sampling)
        network.apply(to: &request)
        _ = try Settings(request, model: PublishedModel(source.path()).predicting(options.prediction).configuration)
        let model = try await TextToImage.load(source, options: options)
        if Task.isCancelled { throw CancellationError() }
        sampling.noteStandIn(in: model.configuration)
        if !quiet { Console.say("seed \(seed)") }
        let bar = ProgressBox(Progress("drawing", total: 0, unit: "step", isQuiet: quiet))
        defer { bar.finish() }
        if let against {
            let comparison = try await model.compare(request, with: against) { step, count in
                bar.update(step, of: count)
            }
            bar.finish()
            try comparison.sheet().write(to: path)
            let found = Difference(
                sheet: path, change: comparison.change.mean, share: comparison.share,
                settings: [comparison.first.settings, comparison.second.settings])
            guard !json else { return try Console.print(json: found) }
            try Console.print(
                String(
                    format: "%.1f %% of full scale on average, %.0f %% of the change that having no prompt makes",
                    100 * found.change, 100 * found.share))
            return try Console.print(path)
        }
        let explanation = try await model.explain(request, by: by, words: words?.list) { step, count in
            bar.update(step, of: count)
        }
        bar.finish()
        try explanation.sheet().write(to: path, texts: explanation.drawn.texts())
        let result = Result(
            sheet: path,
            words: explanation.words.map { .init(text: $0.text, share: $0.share, x: $0.centre.x, y: $0.centre.y) },
            settings: explanation.drawn.settings)
        guard !json else { return try Console.print(json: result) }
        for word in result.words {
            let share = String(format: "%5.1f %%", 100 * word.share)
            try Console.print("\(share)  \(word.text) (\(Self.place(word.x, word.y)))")
        }
        try Console.print(path)
    }

    /// "upper left", "middle".
    static func place(_ x: Double, _ y: Double) -> String {
        let across = x < 0.42 ? "left" : x > 0.58 ? "right" : ""
        let down = y < 0.42 ? "upper" : y > 0.58 ? "lower" : ""
        let parts = [down, across].filter { !$0.isEmpty }
        if parts.isEmpty { return "middle" }
        return across.isEmpty ? down + " middle" : down.isEmpty ? across : parts.joined(separator: " ")
    }
}

extension Explanation.Method: ExpressibleByArgument {}
