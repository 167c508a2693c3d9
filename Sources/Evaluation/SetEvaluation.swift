internal import Foundation
public import Images
internal import Models
internal import Scenes

/// How much is drawn and compared.
public struct EvaluationSizes: Sendable, Hashable, Codable {
    /// Pictures of no prompt, for the control; 0 leaves it out.
    public var unconditional = 100
    /// Prompts whose pictures are compared with each other, and pictures of each; 0 prompts leave it out.
    public var diversityPrompts = 2
    public var diversitySeeds = 20
    /// Pictures that are drawn at once.
    public var batchSize = 32

    public init() {}
}

/// What an evaluation tells on its way.
public enum EvaluationProgress: Sendable, Equatable {
    /// What begins now.
    case stage(String)
    /// Pictures drawn of those to be drawn in this stage; those that were there already are counted.
    case drawn(Int, of: Int)
}

/// Judges pictures of one set of prompts: a model's, a folder's, and the real ones.
///
/// Everything that costs a model's time is written as it goes; running it again goes on from there.
public struct SetEvaluation {
    private let set: PromptSet
    private let judge: Judge
    private let sizes: EvaluationSizes
    private let seed: UInt64
    private let tell: (EvaluationProgress) -> Void
    /// Side of the real pictures in pixels.
    private let size: Int
    private let captions: [Embeddings]
    private let references: Embeddings
    public private(set) var report: SetReport

    /// Embeds the captions, and the pictures that distances are measured to.
    ///
    /// - Parameters:
    ///   - size: side of the real pictures, as the model draws them; they are brought to the judge's from there.
    ///   - seed: of the first picture; picture k of a set has seed + k.
    /// - Throws: what the judge throws, or `CancellationError` where the task was cancelled.
    public init(
        _ set: PromptSet, judge: Judge, size: Int, sizes: EvaluationSizes = .init(), seed: UInt64 = 0,
        tell: @escaping (EvaluationProgress) -> Void = { _ in }
    ) throws {
        self.set = set
        self.judge = judge
        self.sizes = sizes
        self.seed = seed
        self.size = size
        self.tell = tell
        tell(.stage("\(set.name): reading captions"))
        captions = try set.choices.map { choice in
            if Task.isCancelled { throw CancellationError() }
            return try judge.embeddings(ofTexts: choice.captions)
        }
        tell(.stage("\(set.name): painting \(set.references.count) scenes to compare with"))
        let scenes = try set.scenes(size: size)
        references = try judge.embeddings(count: set.references.count) { try scenes.scene(at: set.references[$0]).picture }
        report = SetReport(
            name: set.name, count: set.texts.count,
            captions: Double(set.choices.reduce(0) { $0 + $1.mixed.count + 1 }) / Double(max(1, set.choices.count)),
            notes: set.notes, chance: RankingScores.chance(set.choices))
    }

    /// The ceiling: real pictures of the prompts' scenes. Nothing for prompts of a file.
    public mutating func judgeReal() throws {
        guard set.hasScenes else { return }
        tell(.stage("\(set.name): judging real scenes"))
        let scenes = try set.scenes(size: size)
        let embeddings = try judge.embeddings(count: set.texts.count) { try scenes.scene(at: set.indices[$0]).picture }
        let diversity = try diversity(of: distinctPrompts(sizes.diversityPrompts)) { prompt in
            try set.pictures(alike: prompt, count: sizes.diversitySeeds, size: size)
        }
        report.real = try findings(embeddings, verdicts(embeddings), diversity: diversity)
        report.realShuffled = shuffled(embeddings)
    }

    /// Pictures that are there already, in the prompts' order; fewer than there are prompts will do.
    public mutating func judge(pictures paths: [String]) throws {
        tell(.stage("\(set.name): judging \(min(paths.count, set.texts.count)) pictures"))
        let embeddings = try judge.embeddings(count: min(paths.count, set.texts.count)) { try Picture(path: paths[$0]) }
        report.drawn.append(
            SetReport.Drawn(
                guidanceScale: nil, findings: try findings(embeddings, verdicts(embeddings), diversity: nil),
                shuffled: shuffled(embeddings)))
    }

    /// A model's pictures. Pictures that the folder holds already are not drawn again.
    ///
    /// Where the task is cancelled, what is drawn stays, is judged and reported, and `CancellationError` is thrown.
    ///
    /// - Parameters:
    ///   - folder: where pictures and `scores.jsonl` go.
    ///   - texts: what a picture's file carries besides.
    public mutating func judge(
        _ maker: any PictureMaker, guidanceScale: Double?, clipGuidance: Double? = nil, folder: String,
        texts: @escaping (_ prompt: String, _ seed: UInt64) throws -> [PNGText] = { _, _ in [] }
    ) throws {
        let name =
            set.name + (guidanceScale.map { ", guidance \($0)" } ?? "") + (clipGuidance.map { ", CLIP \($0)" } ?? "")
        let drawing = Drawing(maker: maker, folder: folder, sizes: sizes, seed: seed, texts: texts, tell: tell)
        tell(.stage("\(name): drawing"))
        var log = try ScoreLog(folder + "/scores.jsonl")
        var embeddings = Embeddings(width: judge.model.embeddingWidth)
        var found: [Verdict] = []
        func measured(diversity: Double?, unconditional: RankingScores?) throws -> SetReport.Drawn {
            SetReport.Drawn(
                guidanceScale: guidanceScale, clipGuidance: clipGuidance,
                findings: try findings(embeddings, found, diversity: diversity), shuffled: shuffled(embeddings),
                unconditional: unconditional)
        }
        do {
            try drawing.pictures(of: set.texts, in: "pictures") { range, pictures in
                let fresh = try judge.embeddings(ofPictures: pictures)
                for (row, prompt) in range.enumerated() {
                    let verdict = Verdict(
                        set.choices[prompt], similarities: fresh.similarities(of: row, to: captions[prompt]))
                    found.append(verdict)
                    try log.append(verdict, number: prompt, prompt: set.texts[prompt], seed: seed &+ UInt64(prompt))
                }
                embeddings.append(fresh)
            }
            tell(.stage("\(name): drawing several pictures of one prompt"))
            let diversity = try diversity(of: distinctPrompts(sizes.diversityPrompts)) { prompt in
                var pictures: [Picture] = []
                let prompts = [String](repeating: set.texts[prompt], count: sizes.diversitySeeds)
                try drawing.pictures(of: prompts, in: "diversity/\(prompt)") { pictures += $1 }
                return pictures
            }
            var unconditional: RankingScores?
            if sizes.unconditional > 0 {
                tell(.stage("\(name): drawing pictures of no prompt"))
                let prompts = [String](repeating: "", count: min(sizes.unconditional, set.texts.count))
                var free: [Verdict] = []
                try drawing.pictures(of: prompts, in: "unconditional") { range, pictures in
                    free += try verdicts(judge.embeddings(ofPictures: pictures), from: range.lowerBound)
                }
                unconditional = RankingScores(free)
            }
            report.drawn.append(try measured(diversity: diversity, unconditional: unconditional))
        } catch let error as CancellationError {
            if embeddings.count > 0 { report.drawn.append(try measured(diversity: nil, unconditional: nil)) }
            throw error
        }
    }

    // MARK: what embeddings come to

    private func verdicts(_ embeddings: Embeddings, from first: Int = 0) -> [Verdict] {
        (0..<embeddings.count).map { row in
            Verdict(
                set.choices[first + row], similarities: embeddings.similarities(of: row, to: captions[first + row]))
        }
    }

    /// Pictures ranked by the captions of another prompt, half a set away: each one's once, so that a part counts for as
    /// many as among the pictures' own.
    private func shuffled(_ embeddings: Embeddings) -> RankingScores? {
        let count = embeddings.count
        guard count > 1 else { return nil }
        return RankingScores(
            (0..<count).map { row in
                let other = (row + count / 2) % count
                return Verdict(set.choices[other], similarities: embeddings.similarities(of: row, to: captions[other]))
            })
    }

    private func findings(
        _ embeddings: Embeddings, _ verdicts: [Verdict], diversity: Double?
    ) throws -> Findings {
        var result = Findings(count: embeddings.count, ranking: RankingScores(verdicts), diversity: diversity)
        if set.hasScenes { result.traits = TraitScores.scores(verdicts, of: set.descriptions) }
        if embeddings.count > 1, references.count > 1 {
            let (own, real) = try (embeddings.tensor(), references.tensor())
            result.frechet = try FeatureStatistics(own).frechetDistance(to: FeatureStatistics(real))
            result.kernel = try KernelDistance(own, real, seed: seed)
        }
        return result
    }

    /// The mean over prompts; nil where no prompt has two pictures.
    private func diversity(of prompts: [Int], _ pictures: (Int) throws -> [Picture]) throws -> Double? {
        var distances: [Double] = []
        for prompt in prompts {
            if Task.isCancelled { throw CancellationError() }
            let embeddings = try judge.embeddings(ofPictures: pictures(prompt))
            if embeddings.count > 1 { distances.append(try Diversity.meanDistance(embeddings.tensor())) }
        }
        return distances.isEmpty ? nil : distances.reduce(0, +) / Double(distances.count)
    }

    /// The first prompts that are different from each other.
    private func distinctPrompts(_ count: Int) -> [Int] {
        var seen: Set<String> = []
        return Array(set.texts.indices.filter { seen.insert(set.texts[$0]).inserted }.prefix(max(0, count)))
    }
}
