import ArgumentParser
import Datasets
import Images
import Training

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Builds, inspects and shows a set of captioned pictures.",
        discussion: """
            Examples:
              moonlit data
              moonlit data emoji --preview emoji.png
              moonlit data "photos-{000..012}.tar" --json

            Without a name it lists the built-in sets. A set of your own is a folder with metadata.jsonl, captions.txt \
            or a .txt file beside each picture; or WebDataset's tar shards.
            """)

    @Argument(help: "A built-in set's name, a folder, a .tar archive, or shards as name-{000..012}.tar.")
    var set: String?

    @Option(help: "Write a contact sheet of pictures with their captions.")
    var preview: OutputPath?

    @Option(help: "Pictures on the sheet.")
    var count = 24

    @Option(help: "The side of each, in pixels.")
    var size = 128

    @Option(help: "Which pictures, and what varies in them.")
    var seed: UInt64 = 0

    @Flag(help: "Print one JSON object.")
    var json = false

    /// Of larger sets, so many captions are counted.
    private static let limit = 10_000
    private static let layout = ContactSheet()

    func validate() throws {
        try preview?.checkFormat("--preview")
        guard (1...10_000).contains(count) else { throw ValidationError("--count is \(count); expected 1 to 10,000.") }
        guard (1...1024).contains(size) else { throw ValidationError("--size is \(size); expected 1 to 1,024.") }
    }

    func run() throws {
        let registry = DatasetRegistry.training
        guard let name = set else { return try list(registry) }
        try preview?.checkWritable()
        let set = try registry.open(name)
        try preview?.checkHolds("\(shownCount(of: set)) pictures of \(size)×\(size)", option: "preview") {
            // At least so large: the captions are not read yet.
            try Self.layout.size(of: Array(repeating: (width: size, height: size), count: shownCount(of: set)))
        }
        var summary = try DataSummary(of: Excerpt(of: set, count: Self.limit))
        if set.count > summary.count {
            summary.notes.append("captions were counted in \(grouped(summary.count)) examples spread over the set")
            summary.count = set.count
        }
        if let preview { try sheet(of: set).write(to: preview.path) }
        if json { return try Console.print(json: summary) }
        func words(_ list: [DataSummary.Word], _ limit: Int) -> String {
            list.prefix(limit).map { "\($0.text) (\(grouped($0.times)))" }.joined(separator: ", ")
        }
        var lines = [
            "set         \(summary.name)", "pictures    \(grouped(summary.count))",
            "sizes       \(words(summary.sizes, 5))",
            "captions    \(grouped(summary.captions)), \(grouped(summary.distinctCaptions)) distinct",
            "words       \(summary.shortest) to \(summary.longest) a caption, \(summary.mean.rounded(to: 1)) on average",
            "vocabulary  \(grouped(summary.vocabulary)) words: \(words(summary.commonest, 10))",
        ]
        lines += summary.notes.map { "note        \($0)" }
        lines += summary.unreadable.map { "unreadable  \($0)" }
        if let preview { lines.append("preview     \(preview.path)") }
        try Console.print(lines.joined(separator: "\n"))
    }

    private func list(_ registry: DatasetRegistry) throws {
        if json {
            let sets = registry.names.map { ["name": $0, "summary": registry.summary(of: $0) ?? ""] }
            return try Console.print(json: ["sets": sets])
        }
        let width = registry.names.reduce(0) { max($0, $1.count) }
        for name in registry.names {
            let gap = String(repeating: " ", count: width - name.count + 2)
            try Console.print(name + gap + (registry.summary(of: name) ?? ""))
        }
    }

    /// How many pictures are on the sheet.
    private func shownCount(of set: any CaptionedPictures) -> Int { min(count, set.count) }

    private func sheet(of set: any CaptionedPictures) throws -> Picture {
        let preparation = Preparation(size: size, crop: .fit)
        let shown = try ShuffledOrder(count: set.count, seed: seed).batch(step: 0, size: shownCount(of: set))
        var pictures: [Picture] = []
        var captions: [String] = []
        for element in shown {
            if Task.isCancelled { throw CancellationError() }
            let example = try set.example(at: element.index, variation: element.variation)
            pictures.append(try preparation.picture(of: example, variation: element.variation))
            captions.append(example.caption)
        }
        return try Self.layout.picture(of: pictures, captions: captions)
    }
}
