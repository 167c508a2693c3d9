public import Images

/// Whether what a prompt names appears where a picture was erased, and everything else stays.
public struct InpaintingEvaluation {
    private let judge: Judge
    private var found = 0.0
    private var real = 0.0
    private var replaced = 0
    private var changed = 0
    private var count = 0

    public init(judge: Judge) { self.judge = judge }

    /// - Parameter painted: what the model made of the task's picture.
    /// - Throws: `EvaluationError.request` for a picture of another size.
    public mutating func add(_ task: InpaintingTask, painted: Picture) throws {
        guard painted.width == task.picture.width, painted.height == task.picture.height else {
            throw EvaluationError.request(
                "a painted picture of \(painted.width)×\(painted.height); expected "
                    + "\(task.picture.width)×\(task.picture.height)")
        }
        let captions = try judge.embeddings(ofTexts: task.captions)
        let pictures = try judge.embeddings(ofPictures: [painted, task.real])
        let nearness = pictures.similarities(of: 0, to: captions)
        let choice = CaptionChoice(task.captions[0], others: Array(task.captions.dropFirst()))
        found += Verdict(choice, similarities: nearness).first
        real += Verdict(choice, similarities: pictures.similarities(of: 1, to: captions)).first
        if nearness[0] > nearness[1] { replaced += 1 }
        let (own, other, mask) = (task.picture.rgb.pixels, painted.rgb.pixels, task.mask.rgb.pixels)
        for pixel in 0..<own.count / 3 where mask[3 * pixel] == 0 {
            if (0..<3).contains(where: { own[3 * pixel + $0] != other[3 * pixel + $0] }) { changed += 1 }
        }
        count += 1
    }

    public func report(model: String, data: String, seed: UInt64) -> InpaintingReport {
        InpaintingReport(
            model: model, judge: judge.name, data: data, seed: seed, found: Rate(right: found, of: count),
            real: Rate(right: real, of: count), replaced: Rate(right: Double(replaced), of: count), changedOutside: changed)
    }
}

/// What an `InpaintingEvaluation` found.
public struct InpaintingReport: Sendable, Hashable, Codable {
    public var model, judge, data: String
    public var seed: UInt64
    /// How often the judge found the named subject among up to fifty, the erased one among them.
    public var found: Rate
    /// The same of the scenes' own pictures with the named subject in its place.
    public var real: Rate
    /// How often it found the named subject rather than the erased one.
    public var replaced: Rate
    /// Pixels outside the masks that are not what they were, of all pictures.
    public var changedOutside: Int

    /// As Markdown.
    public var markdown: String {
        """
        # \(model): another subject painted into \(found.count) real scenes (\(data))

        | the named one is found | … in real scenes that have it there | rather the named than the erased one | \
        pixels changed outside the mask |
        | ---: | ---: | ---: | ---: |
        | \(found.text) | \(real.text) | \(replaced.text) | \(changedOutside) |

        Judge: \(judge).

        """
    }
}
