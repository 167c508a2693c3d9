public import Checkpoints
internal import Diffusion
internal import Models
internal import Scenes

/// What a model of pictures and texts tells apart: captions of real scenes, at every step of the noise where it reads
/// noisy pictures, and pictures among many by their captions.
public struct CLIPEvaluation {
    private let model: any ProcessCLIP
    private let judge: Judge
    private let set: PromptSet
    private let seed: UInt64
    private let tell: (EvaluationProgress) -> Void

    /// - Parameters:
    ///   - judge: the same model.
    ///   - set: its prompts are the captions; its references are pictures to be searched besides the prompts' own.
    public init(
        _ model: any ProcessCLIP, _ judge: Judge, _ set: PromptSet, seed: UInt64 = 0,
        tell: @escaping (EvaluationProgress) -> Void = { _ in }
    ) {
        (self.model, self.judge, self.set, self.seed, self.tell) = (model, judge, set, seed, tell)
    }

    /// - Parameter steps: of the model's process, at which pictures are judged; nothing for a model of clean pictures.
    /// - Throws: `EvaluationError.request` for a step that the process has not; `CancellationError`.
    public func report(steps: [Int]) throws -> CLIPReport {
        let schedule = try model.process?.noiseSchedule()
        if let wrong = steps.first(where: { !(0..<(schedule?.count ?? 0)).contains($0) }) {
            throw EvaluationError.request(
                schedule.map { "step \(wrong) of the noise; the model's process has 0 to \($0.count - 1)" }
                    ?? "step \(wrong) of the noise; the model reads clean pictures")
        }
        let size = min(512, max(64, judge.model.imageSide))
        let scenes = try set.scenes(size: size)
        tell(.stage("painting \(set.texts.count) scenes, reading their captions"))
        let pictures = try set.indices.map { index in
            if Task.isCancelled { throw CancellationError() }
            return try scenes.scene(at: index).picture
        }
        let captions = try set.choices.map { choice in
            if Task.isCancelled { throw CancellationError() }
            return try judge.embeddings(ofTexts: choice.captions)
        }
        func ranking(_ embeddings: Embeddings) -> RankingScores {
            RankingScores(
                (0..<embeddings.count).map { row in
                    Verdict(set.choices[row], similarities: embeddings.similarities(of: row, to: captions[row]))
                })
        }
        let clean = try judge.embeddings(ofPictures: pictures)
        var report = CLIPReport(
            model: judge.name, set: set.name, count: set.texts.count,
            captions: Double(set.choices.reduce(0) { $0 + $1.mixed.count + 1 }) / Double(max(1, set.choices.count)),
            seed: seed, chance: RankingScores.chance(set.choices), clean: ranking(clean))
        if let schedule {
            for step in steps {
                tell(.stage("judging at step \(step)"))
                let noise = PictureNoise(schedule, step: step, seed: seed)
                report.noisy.append(
                    .init(
                        step: step, sigma: schedule.sigmas[step],
                        ranking: ranking(try judge.embeddings(ofPictures: pictures, noise: noise))))
            }
        }
        guard !set.references.isEmpty else { return report }
        tell(.stage("painting \(set.references.count) other scenes to search"))
        var gallery = clean
        gallery.append(
            try judge.embeddings(count: set.references.count) { try scenes.scene(at: set.references[$0]).picture })
        var texts = Embeddings(width: clean.width)
        for own in captions { texts.append(own.prefix(1)) }
        report.retrieval = try RetrievalScores(texts: texts, pictures: gallery)
        return report
    }
}
