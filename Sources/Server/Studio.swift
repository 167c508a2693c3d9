import Checkpoints
import FlyingFox
import Foundation
import Images
import Moonlit

/// The one model, and those who wait for it.
actor Studio {
    nonisolated let model: TextToImage
    nonisolated let second: PictureServer.SecondStage?
    private let places: Int
    private var jobs: [Job] = []
    private var admitted = 0

    /// A request that is being drawn, or waits.
    struct Job {
        let number: Int
        let settings: Settings
        /// When its turn came.
        var began = Date()
        /// Steps, of all batches.
        var done = 0
        let total: Int
        /// The newest of a picture under way.
        var preview: Picture?
        var isInterrupted = false
    }

    init(model: TextToImage, second: PictureServer.SecondStage?, waiting: Int) {
        (self.model, self.second, places) = (model, second, max(0, waiting) + 1)
    }

    /// What is being drawn.
    var current: Job? { jobs.first }
    var count: Int { jobs.count }

    /// Ends what is being drawn after the step under way; what is finished of it is kept.
    func interrupt() { if !jobs.isEmpty { jobs[0].isInterrupted = true } }

    /// - Throws: `GenerationError` for a request that cannot be met; `Refusal` where too many wait.
    private func admit(_ request: GenerationRequest) throws -> Job {
        let settings = try Settings(request, model: model.configuration, clip: model.clip?.text)
        guard jobs.count < places else {
            throw Refusal(status: .serviceUnavailable, reason: "\(jobs.count) requests are waiting; ask again later")
        }
        let batches = (request.drawn + request.batchSize - 1) / request.batchSize
        let job = Job(number: admitted, settings: settings, total: batches * settings.steps)
        admitted += 1
        jobs.append(job)
        return job
    }

    private func dismiss(_ number: Int) {
        let wasFirst = jobs.first?.number == number
        jobs.removeAll { $0.number == number }
        if wasFirst, !jobs.isEmpty { jobs[0].began = Date() }
    }

    /// - Returns: whether it is to end.
    private func note(_ number: Int, _ step: GenerationStep) -> Bool {
        guard let place = jobs.firstIndex(where: { $0.number == number }) else { return true }
        jobs[place].done += 1
        jobs[place].preview = step.previews.first ?? jobs[place].preview
        return jobs[place].isInterrupted
    }

    /// Draws, and tells of previews and finished pictures.
    ///
    /// - Parameter previews: how many of each picture on its way. Unless they are asked for there is one a step where they
    ///   cost nothing; where a decoder has to make them one in five steps of small pictures, and none of larger ones.
    nonisolated func draw(
        _ request: GenerationRequest, previews: Int? = nil,
        _ tell: @Sendable (GenerationStep) async throws -> Void = { _ in }
    ) async throws -> [GeneratedPicture] {
        let job = try await admit(request)
        let result: Result<[GeneratedPicture], any Error>
        do { result = .success(try await draw(request, job, previews, tell)) } catch { result = .failure(error) }
        await dismiss(job.number)
        return try result.get()
    }

    /// Steps from one preview to the next, so that so many come before the last step.
    static func interval(previews: Int, steps: Int) -> Int { max(1, steps / (previews + 1)) }

    private nonisolated func draw(
        _ request: GenerationRequest, _ job: Job, _ previews: Int?, _ tell: @Sendable (GenerationStep) async throws -> Void
    ) async throws -> [GeneratedPicture] {
        let steps = job.settings.steps
        let isSmall = job.settings.width * job.settings.height <= 128 * 128
        let wanted = previews ?? (model.configuration.drawsPixels ? steps : isSmall ? steps / 5 : 0)
        var finished: [GeneratedPicture] = []
        for try await step in model.stream(
            request, showing: wanted > 0 ? [.predicted] : [], every: Self.interval(previews: wanted, steps: steps))
        {
            let ends = await note(job.number, step)
            try await tell(step)
            finished += step.results
            if ends { break }
        }
        if Task.isCancelled || finished.isEmpty { throw CancellationError() }
        guard let second else { return finished }
        return try await second.model.enlarge(finished, path: second.path)
    }
}
