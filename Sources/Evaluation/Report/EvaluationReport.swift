/// What an evaluation found, as `evaluation.json` has it.
public struct EvaluationReport: Sendable, Hashable, Codable {
    /// What drew; nil where pictures came from a folder, or only real scenes were judged.
    public var model: Drawer?
    /// The folder that pictures came from.
    public var pictures: String?
    /// Who judged.
    public var judge: String
    /// What the scenes are composed of.
    public var data: String
    public var seed: UInt64
    /// False where it was interrupted: the sets then hold what was done.
    public var isFinished = true
    public var sets: [SetReport] = []

    public init(model: Drawer? = nil, pictures: String? = nil, judge: String, data: String, seed: UInt64) {
        self.model = model
        self.pictures = pictures
        self.judge = judge
        self.data = data
        self.seed = seed
    }

    /// A model and how it drew.
    public struct Drawer: Sendable, Hashable, Codable {
        public var name: String
        public var path: String
        public var sampler: String
        public var steps: Int
        public var schedule: String
        /// The σ that classifier-free guidance is confined to; nil is all.
        public var guidanceInterval: ClosedRange<Double>?
        /// Its φ; nil is 0.
        public var guidanceRescale: Double?
        public var dtype: String
        public var device: String
        /// What guides besides; nil for nothing.
        public var clip: String?

        public init(
            name: String, path: String, sampler: String, steps: Int, schedule: String,
            guidanceInterval: ClosedRange<Double>? = nil, guidanceRescale: Double? = nil, dtype: String, device: String,
            clip: String? = nil
        ) {
            self.guidanceInterval = guidanceInterval
            self.guidanceRescale = guidanceRescale
            self.clip = clip
            self.name = name
            self.path = path
            self.sampler = sampler
            self.steps = steps
            self.schedule = schedule
            self.dtype = dtype
            self.device = device
        }
    }
}

/// One set of prompts.
public struct SetReport: Sendable, Hashable, Codable {
    public var name: String
    /// Prompts.
    public var count: Int
    /// Captions that a picture was ranked by, on average; the true one is among them.
    public var captions: Double
    public var notes: [String]
    /// What guessing comes to, on average over all prompts, also where fewer pictures were judged.
    public var chance: RankingScores
    /// What real pictures of the prompts' scenes reach: the ceiling. nil for prompts of a file.
    public var real: Findings?
    /// The control for that: real pictures ranked by another prompt's captions. What the set's shares of places, lights and
    /// styles give by themselves, and what a model gives that draws as many of each and hears nothing of its prompts.
    public var realShuffled: RankingScores?
    /// One a scale of guidance.
    public var drawn: [Drawn] = []

    public init(name: String, count: Int, captions: Double, notes: [String], chance: RankingScores) {
        self.name = name
        self.count = count
        self.captions = captions
        self.notes = notes
        self.chance = chance
    }

    public struct Drawn: Sendable, Hashable, Codable {
        /// nil where pictures came from a folder.
        public var guidanceScale: Double?
        /// nil where no CLIP guided.
        public var clipGuidance: Double?
        public var findings: Findings
        /// Controls: the same pictures ranked by another prompt's captions, and pictures of no prompt by these.
        public var shuffled: RankingScores?
        public var unconditional: RankingScores?

        /// How it was drawn, in a few words.
        public var name: String {
            guard let guidanceScale else { return "pictures" }
            return "guidance \(guidanceScale.formatted(nil))" + (clipGuidance.map { ", CLIP \($0.formatted(nil))" } ?? "")
        }

        public init(
            guidanceScale: Double?, clipGuidance: Double? = nil, findings: Findings, shuffled: RankingScores? = nil, unconditional: RankingScores? = nil
        ) {
            self.guidanceScale = guidanceScale
            self.clipGuidance = clipGuidance
            self.findings = findings
            self.shuffled = shuffled
            self.unconditional = unconditional
        }
    }
}

/// What some pictures of a set come to.
public struct Findings: Sendable, Hashable, Codable {
    /// Pictures.
    public var count: Int
    public var ranking: RankingScores
    /// The same by a trait's name (`SceneTrait`), by its value; nil for prompts of a file.
    public var traits: [String: [String: TraitScores]]?
    /// Squared Fréchet distance to other real scenes of the same kind, in the judge's embeddings.
    public var frechet: Double?
    /// Kernel distance to the same.
    public var kernel: KernelDistance?
    /// Mean cosine distance between pictures of one prompt.
    public var diversity: Double?

    public init(count: Int, ranking: RankingScores, diversity: Double? = nil) {
        self.count = count
        self.ranking = ranking
        self.diversity = diversity
    }
}

extension SetReport.Drawn {
    /// A rate as a share of what real pictures reach.
    public func share(of real: Findings?, _ rate: (RankingScores) -> Rate?) -> Double? {
        guard let real = real.flatMap({ rate($0.ranking) }), let own = rate(findings.ranking), real.value > 0 else {
            return nil
        }
        return own.value / real.value
    }
}
