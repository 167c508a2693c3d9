import ArgumentParser
import Datasets
import Evaluation
import Images
import Scenes

/// What all evaluations share: the scenes, and where the report goes.
struct ReportOptions: ParsableArguments {
    @Option(help: "\(SceneConfiguration.namesHelp)")
    var data = "scenes"

    @Option(help: "Of the scenes, and of the noise; where pictures are drawn, picture k is from seed + k.")
    var seed: UInt64 = 0

    @Option(name: [.short, .long], help: "A folder for the report as JSON and Markdown, and a picture.")
    var output: OutputPath?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func scenes() throws -> SceneConfiguration { try SceneConfiguration(named: data) }

    /// Prompts of such scenes; what a person should know about them is said.
    ///
    /// - Parameters:
    ///   - references: other scenes of the same kind.
    ///   - captions: how many are told from one another for each scene, the true one among them.
    func prompts(
        _ kind: PromptSet.Kind, of scenes: SceneConfiguration, count: Int, references: Int = 0, captions: Int
    ) throws -> PromptSet {
        let set = try PromptSet(
            kind, of: scenes, artwork: Artwork(EmojiCollection.load()), count: count, references: references,
            captions: captions, seed: seed)
        for note in set.notes { Console.say("\(set.name): \(note)") }
        return set
    }

    /// Makes the report's folder, before the work that it is for; nil where none is asked for.
    /// - Throws: `UnwritableError`.
    func folder() throws -> ReportFolder? {
        guard let output else { return nil }
        try output.makeFolder()
        return try ReportFolder(output.path)
    }

    /// Writes the report and prints it; printed it is in any case.
    ///
    /// - Parameter name: of the files in the folder.
    func finish(
        _ report: some Encodable, markdown: String, plot: Picture?, as name: String, in folder: ReportFolder?
    ) throws {
        var failure: (any Error)?
        do { try folder?.write(report, markdown: markdown, plot: plot, as: name) } catch { failure = error }
        try json ? Console.print(json: report) : Console.print(markdown)
        if let failure { throw failure }
    }
}
