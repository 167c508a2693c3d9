import Checkpoints
import Diffusion
import FlyingFox
import Foundation
import Images
import Moonlit

/// The one model, and those who wait for it.
actor Studio {
    nonisolated let model: TextToImage
    nonisolated let second: PictureServer.SecondStage?
    private let options: PictureServer.Options
    private let places: Int
    private var jobs: [Job] = []
    private var admitted = 0

    /// A request that is being drawn, or waits.
    struct Job {
        let number: Int
        let request: GenerationRequest
        let settings: Settings
        /// Ends when its turn comes.
        let waiting: AsyncStream<Void>
        fileprivate let call: AsyncStream<Void>.Continuation
        /// When its turn came.
        var began = Date()
        /// Steps, of all batches and both stages.
        var done = 0
        /// Of a batch.
        fileprivate(set) var steps: Int
        /// Of a picture in the second stage.
        fileprivate var secondSteps: Int
        /// The newest of a picture under way.
        var preview: Picture?
        var isInterrupted = false

        /// An estimate until each stage has begun.
        var total: Int {
            let batches = (request.drawn + request.batchSize - 1) / request.batchSize
            return batches * steps + request.drawn * secondSteps
        }
    }

    init(model: TextToImage, second: PictureServer.SecondStage?, options: PictureServer.Options) {
        (self.model, self.second, self.options) = (model, second, options)
        places = max(0, options.waiting) + 1
    }

    /// What is being drawn.
    var current: Job? { jobs.first }
    var count: Int { jobs.count }

    /// Ends what is being drawn after the step under way; what is finished of it is kept, by the second stage or the first.
    func interrupt() { if !jobs.isEmpty { jobs[0].isInterrupted = true } }

    /// Takes a place among those who wait, which `draw` gives back.
    ///
    /// - Throws: `GenerationError` for a request that cannot be met; `Refusal` where too many wait.
    func admit(_ asked: GenerationRequest) throws -> Job {
        var request = asked
        (request.clipSkip, request.tiling) = (options.clipSkip, options.tiling)
        let settings = try Settings(request, model: model.configuration, clip: model.clip?.text)
        try second?.model.configuration.checkEnlarges(
            width: settings.width, height: settings.height, option: "upscale")
        let plan = try settings.plan(in: model.configuration.diffusion)
        guard jobs.count < places else {
            throw Refusal(status: .serviceUnavailable, reason: "\(jobs.count) requests are waiting; ask again later")
        }
        let (waiting, call) = AsyncStream.makeStream(of: Void.self)
        if jobs.isEmpty { call.finish() }
        let job = Job(
            number: admitted, request: request, settings: settings, waiting: waiting, call: call,
            steps: plan.trajectory.count, secondSteps: second?.model.configuration.sampling.steps ?? 0)
        admitted += 1
        jobs.append(job)
        return job
    }

    private func dismiss(_ number: Int) {
        let wasFirst = jobs.first?.number == number
        jobs.removeAll { $0.number == number }
        guard wasFirst, !jobs.isEmpty else { return }
        jobs[0].began = Date()
        jobs[0].call.finish()
    }

    /// - Returns: whether it is to end.
    private func note(_ number: Int, _ step: GenerationStep, isSecond: Bool = false) -> Bool {
        guard let place = jobs.firstIndex(where: { $0.number == number }) else { return true }
        jobs[place].done += 1
        // A chain may have fewer steps than were asked for, when it begins with a picture, or one more.
        if isSecond { jobs[place].secondSteps = step.count } else { jobs[place].steps = step.count }
        jobs[place].preview = step.previews.first ?? jobs[place].preview
        return jobs[place].isInterrupted
    }

    private func isInterrupted(_ number: Int) -> Bool { jobs.first { $0.number == number }?.isInterrupted ?? true }

    /// Draws when the job's turn comes, and tells of every step, of both stages, with its previews and finished pictures.
    ///
    /// - Parameter previews: how many at most of each picture on its way. Unless they are asked for there is one a step
    ///   where they cost nothing; where a decoder has to make them one in five steps of small pictures, and none of larger
    ///   ones.
    nonisolated func draw(
        _ job: Job, previews: Int? = nil, _ tell: @Sendable (GenerationStep) async throws -> Void = { _ in }
    ) async throws -> [GeneratedPicture] {
        let result: Result<[GeneratedPicture], any Error>
        do {
            result = .success(try await enlarged(drawn(job, previews, tell), job, tell))
        } catch { result = .failure(error) }
        await dismiss(job.number)
        return try result.get()
    }

    /// Steps from one preview to the next, so that at most so many come before the last step.
    static func interval(previews: Int, steps: Int) -> Int { (steps + previews) / (previews + 1) }

    private nonisolated func drawn(
        _ job: Job, _ previews: Int?, _ tell: @Sendable (GenerationStep) async throws -> Void
    ) async throws -> [GeneratedPicture] {
        for await _ in job.waiting {}
        if Task.isCancelled { throw CancellationError() }
        let isSmall = job.settings.width * job.settings.height <= 128 * 128
        // One a step where they cost nothing; a decoder is called for small ones alone.
        let usual = model.configuration.drawsPixels ? 1 : isSmall ? 5 : nil
        let interval = previews.map { $0 > 0 ? Self.interval(previews: $0, steps: job.steps) : nil } ?? usual
        var finished: [GeneratedPicture] = []
        for try await step in model.stream(
            job.request, showing: interval == nil ? [] : [.predicted], every: interval ?? 1)
        {
            let ends = await note(job.number, step)
            try await tell(step)
            finished += step.results
            if ends { break }
        }
        if Task.isCancelled || finished.isEmpty { throw CancellationError() }
        return finished
    }

    /// By the second stage, where there is one; those it had not finished when it was interrupted stay as they are.
    private nonisolated func enlarged(
        _ pictures: [GeneratedPicture], _ job: Job, _ tell: @Sendable (GenerationStep) async throws -> Void
    ) async throws -> [GeneratedPicture] {
        guard let second else { return pictures }
        var results = pictures
        for place in pictures.indices {
            if await isInterrupted(job.number) { break }
            let large = try await second.model.enlarge(
                pictures[place], drawnBy: job.request, path: second.path
            ) { step in
                let ends = await note(job.number, step, isSecond: true)
                try await tell(step)
                return !ends
            }
            if Task.isCancelled { throw CancellationError() }
            if let large { results[place] = large }
        }
        return results
    }
}
