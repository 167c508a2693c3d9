import ArgumentParser
import Datasets
import Foundation
import Models
import Moonlit
import Search
import Training

struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Embeds a collection of pictures, so that it can be searched.",
        discussion: """
            Examples:
              moonlit index photos --clip clip.safetensors
              moonlit index scenes --limit 10000 --clip clip.safetensors -o scenes.index
              moonlit search photos.index "a dog chasing a bird"

            A collection is what moonlit data shows: a built-in set, a folder, a .tar archive or shards. Ctrl-C keeps what \
            is done, and the same command goes on; what is in the index already is passed over. A picture that cannot be \
            read is reported and passed over.
            """)

    @Argument(help: "A built-in set's name, a folder, a .tar archive, or shards as name-{000..012}.tar.")
    var collection: String

    @Option(name: [.short, .long], help: "The index's folder; the collection's name and .index unless given.")
    var output: String?

    @Option(help: "A CLIP: an embedded one's name, a file that moonlit train wrote, or the folder of GLIDE's. An index that is there names its own.")
    var clip: String?

    @Option(help: "Only the first so many pictures.")
    var limit: Int?

    @Flag(help: "Take out pictures that are gone, and embed those anew that have changed.")
    var update = false

    @Option(help: "Pictures that are embedded together.")
    var batchSize = 64

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    /// Larger collections are composed as they are looked at, and hardly meant as a whole.
    private static let largest = 1_000_000

    struct Result: Encodable {
        let index: String
        let collection: String
        let pictures: Int
        let added: Int
        let removed: Int
        let unreadable: [Indexing.Skipped]
        let finished: Bool
        let seconds: Double
    }

    func validate() throws {
        guard (1...4096).contains(batchSize) else {
            throw ValidationError("--batch-size is \(batchSize); expected 1 to 4096.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit is \(limit); expected at least 1.") }
    }

    private var folder: String {
        output ?? ((place as NSString).lastPathComponent as NSString).deletingPathExtension + ".index"
    }

    /// As it is found again from any folder.
    private var place: String {
        DatasetRegistry.training.names.contains(collection)
            ? collection : URL(fileURLWithPath: collection).standardizedFileURL.path
    }

    func run() throws {
        let set = try DatasetRegistry.training.open(place)
        guard limit != nil || set.count <= Self.largest else {
            throw ValidationError("\(collection) has \(grouped(set.count)) pictures; say how many with --limit.")
        }
        let clip = try CLIPChoice(clip, ofIndex: folder)
        let embedder = Embedder(try clip.load(compute.resolved()))
        let writer = try IndexWriter(
            folder: folder, model: clip.identity, collection: place, width: embedder.model.embeddingWidth)
        var options = Indexing.Options()
        options.batchSize = batchSize
        options.limit = limit
        options.updates = update
        var progress: Progress?
        var first = 0
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try Indexing(set, embedder: embedder, options: options).run(into: writer) { done, total in
            if progress == nil {
                first = done
                progress = Progress("embedding", total: total - done, unit: "picture", isQuiet: quiet)
            }
            if total > first { progress?.update(done - first) }
        }
        progress?.finish()
        for skipped in outcome.skipped { Console.say("not read: \(skipped.picture): \(skipped.reason)") }
        let seconds = start.duration(to: clock.now).seconds.rounded(to: 3)
        if json {
            try Console.print(
                json: Result(
                    index: folder, collection: place, pictures: outcome.count, added: outcome.added,
                    removed: outcome.removed, unreadable: outcome.skipped, finished: outcome.isFinished, seconds: seconds))
        } else {
            if !quiet {
                Console.say(
                    "\(grouped(outcome.count)) pictures, \(grouped(outcome.added)) new"
                        + (outcome.removed > 0 ? ", \(grouped(outcome.removed)) taken out" : ""))
            }
            try Console.print(folder)
        }
        if !outcome.isFinished {
            throw Interrupted(
                description: "\(grouped(outcome.count)) of \(grouped(outcome.total)) pictures are in \(folder); the same "
                    + "command goes on")
        }
    }
}
