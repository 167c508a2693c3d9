import ArgumentParser
import Datasets
import Foundation
import Images
import Models
import Moonlit
import Search
import Training

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Finds the pictures of an index that are most like a text or a picture.",
        discussion: """
            Examples:
              moonlit search photos.index "a dog chasing a bird" -o sheet.png
              moonlit search photos.index --image dog.jpg --count 20 --json

            moonlit index makes an index. Likeness is what its CLIP says, from -1 to 1.
            """)

    @Argument(help: "The index's folder.")
    var index: String

    @Argument(help: "What is to be seen.")
    var text: String?

    @Option(help: "Search by a picture instead of a text.")
    var image: String?

    @Option(help: "How many pictures.")
    var count = 9

    @Option(name: [.short, .long], help: "Write the pictures as a contact sheet.")
    var output: OutputPath?

    @Option(help: "The CLIP that made the index, where it is no longer where it was.")
    var clip: String?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    struct Result: Encodable {
        let index: String
        let pictures: Int
        let text: String?
        let image: String?
        /// From the embedding to the pictures' names.
        let seconds: Double
        let found: [Picture]
        let sheet: String?

        struct Picture: Encodable {
            let rank: Int
            let likeness: Double
            let key: String
            let path: String?
            let captions: [String]
        }
    }

    func validate() throws {
        guard (text == nil) != (image == nil) else {
            throw ValidationError("expected a text, or a picture with --image.")
        }
        guard (1...10_000).contains(count) else { throw ValidationError("--count is \(count); expected 1 to 10,000.") }
        try output?.checkFormat("--output")
    }

    func run() throws {
        try output?.checkWritable()
        let opened = try SearchIndex(index)
        guard opened.count > 0 else { throw SearchError.notAnIndex(index, problem: "there is no picture in it yet") }
        let wanted = try image.map { try Picture(path: $0) }
        let choice = try CLIPChoice(clip, ofIndex: index)
        guard choice.identity.isSameModel(as: opened.manifest.model) else {
            throw SearchError.other(
                index, problem: "it was made by \(opened.manifest.model.name), and \(choice.path) is another model")
        }
        let options = try compute.resolved()
        let embedder = Embedder(try choice.load(options))
        let embedding =
            try wanted.map { try embedder.embedding(of: $0) } ?? embedder.embedding(ofText: text ?? "")
        let clock = ContinuousClock()
        let start = clock.now
        let found = try opened.nearest(to: embedding, count: count, threads: options.threads)
        let seconds = start.duration(to: clock.now).seconds
        if let output { try write(found, of: opened, to: output.path) }
        if json {
            let pictures = found.enumerated().map { number, one in
                Result.Picture(
                    rank: number + 1, likeness: one.likeness.rounded(to: 6), key: one.entry.key, path: one.entry.path,
                    captions: one.entry.captions)
            }
            return try Console.print(
                json: Result(
                    index: index, pictures: opened.count, text: text, image: image, seconds: seconds.rounded(to: 6),
                    found: pictures, sheet: output?.path))
        }
        let width = String(found.count).count
        for (number, one) in found.enumerated() {
            let rank = String(number + 1)
            let gap = String(repeating: " ", count: width - rank.count)
            try Console.print(
                "\(gap)\(rank)  \(String(format: "%.4f", one.likeness))  \(one.entry.path ?? one.entry.key)  "
                    + (one.entry.captions.first ?? ""))
        }
        if let output { try Console.print(output.path) }
    }

    private func write(_ found: [SearchIndex.Found], of index: SearchIndex, to path: String) throws {
        let collection = try DatasetRegistry.training.open(index.manifest.collection)
        let preparation = Preparation(size: 192, crop: .fit)
        var shown: [Picture] = []
        var captions: [String] = []
        for (number, picture) in SearchIndex.pictures(of: found, in: collection).enumerated() {
            let one = found[number]
            guard let picture else {
                Console.say("not shown: \(one.entry.key) is no longer in \(index.manifest.collection), or cannot be read")
                continue
            }
            let example = Example(picture: picture, caption: "", key: one.entry.key)
            shown.append(try preparation.picture(of: example, variation: 0))
            captions.append("\(number + 1)  \(one.entry.captions.first ?? one.entry.key)")
        }
        guard !shown.isEmpty else {
            throw SearchError.other(
                index.folder, problem: "none of the pictures found is in \(index.manifest.collection) any more")
        }
        try ContactSheet().picture(of: shown, captions: captions).write(to: path)
    }
}
