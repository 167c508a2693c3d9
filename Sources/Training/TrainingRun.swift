internal import Checkpoints
public import Datasets
internal import Diffusion
internal import Foundation
internal import Images
internal import Layers
internal import Models
internal import Scenes
public import Tensors

/// A training run in a folder: begins or goes on, and leaves behind `config.yaml`, `log.jsonl`, TensorBoard events,
/// `samples/`, `checkpoints/` and, with every checkpoint, the model with the averaged weights (`modelPath`).
///
/// ```swift
/// let run = try TrainingRun(configuration: .emoji64, folder: "runs/emoji")
/// let outcome = try run.run { message in print(message) }
/// ```
/// A run is used by one thread; it makes its own for the work.
public final class TrainingRun {
    public let configuration: TrainingConfiguration
    public let folder: String
    /// Numbers in the network's weights.
    public let parameterCount: Int
    /// Rows of the token table; 0 where no text is read.
    public let vocabularyCount: Int
    public let examples: Int
    private let set: any CaptionedPictures
    private let trainer: Trainer
    private let store: CheckpointStore
    /// Held until `run` returns.
    private var lock: FolderLock?
    private let notes: [String]
    /// The one that it goes on from.
    private let checkpoint: String?
    private let beginsWithModel: Bool

    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// All steps are done.
        case finished(step: Int)
        /// It was asked to stop; the checkpoint of this step is written. At step 0 there may be none: it begins again.
        case stopped(step: Int)
    }

    /// Steps done so far.
    public var step: Int { trainer.step }

    /// The model that every checkpoint leaves: a file, or a folder.
    public var modelPath: String { folder + "/" + trainer.objective.modelName }

    /// - Parameters:
    ///   - configuration: for a run that is resumed, nil takes its own; a given one may differ in `steps`, `workers`,
    ///     `intervals`, `samples` and `name`. `dtype: auto` becomes what the device computes well in.
    ///   - folder: a new run needs one that holds no run yet.
    ///   - resume: goes on from the newest whole checkpoint, or begins where there is none.
    ///   - initialModel: a model whose weights and vocabulary the run begins with.
    ///   - data: instead of opening `configuration.data.sets`.
    ///   - registry: where sets are found by name.
    /// - Throws: `TrainingError`; what opening the data throws; `WeightError` where the initial model has another shape.
    public init(
        configuration given: TrainingConfiguration?, folder: String, resume: Bool = false, initialModel: String? = nil,
        data: (any CaptionedPictures)? = nil, registry: DatasetRegistry = .training, device: Device = .cpu
    ) throws {
        let written = folder + "/config.yaml"
        let exists = FileManager.default.fileExists(atPath: written)
        if exists, !resume {
            throw TrainingError.folder(folder, problem: "there is a run already; resume it, or choose another folder")
        }
        var notes: [String] = []
        let configuration = try Self.settled(given, written: exists ? written : nil, folder: folder, device: device)
        try configuration.validate()
        self.configuration = configuration
        self.folder = folder
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.unwritable(folder, problem: error.localizedDescription)
        }
        lock = try FolderLock(folder)
        let set = try data ?? Self.open(configuration.data, registry)
        self.set = set
        examples = set.count
        store = CheckpointStore(folder: folder + "/checkpoints", keep: configuration.intervals.keep)
        store.removePartial()
        var damaged: [TrainingError] = []
        let found = resume ? store.latest { damaged.append($0) } : nil
        if found == nil, let newest = damaged.first {
            throw TrainingError.checkpoint(
                folder, problem: "none of its checkpoints is whole: \(newest). Without checkpoints, it begins again")
        }
        notes += damaged.map { "\($0); the one before is used" }
        checkpoint = found?.path
        beginsWithModel = found == nil && initialModel != nil

        let cores = ProcessInfo.processInfo.activeProcessorCount
        let threads = configuration.workers > 0 ? configuration.workers : cores
        let workers = WorkerGroup(count: device == .cpu ? min(threads, configuration.parts) : 1)
        let beginning: Beginning =
            if let found {
                .checkpoint(
                    description: found.description,
                    weights: PrefixedSource(OnlyPrefixed(found.archive, "weights."), prefix: "weights."))
            } else if let initialModel {
                .model(initialModel)
            } else {
                .drawn
            }
        trainer = try Trainer(
            configuration,
            objective: configuration.objective(beginning, data: set, folder: folder, device: device), workers: workers)
        if let found { try trainer.restore(found.archive, step: found.step) }
        parameterCount = trainer.parameters.reduce(0) { $0 + $1.value.count }
        vocabularyCount = trainer.objective.vocabularyCount
        self.notes = notes + set.notes
        try Durable.write(Data(try configuration.yaml().utf8), to: written)
    }

    private static func settled(
        _ given: TrainingConfiguration?, written: String?, folder: String, device: Device
    ) throws -> TrainingConfiguration {
        guard let written else {
            guard var given else {
                throw TrainingError.folder(folder, problem: "there is no run to resume; give a configuration")
            }
            given.dtype = given.dtype.settled(on: device)
            return given
        }
        let text = try String(contentsOfFile: written, encoding: .utf8)
        let own = try TrainingConfiguration(yaml: text, file: written)
        guard var given else { return own }
        if given.dtype == .auto { given.dtype = own.dtype }
        let differences = try own.differences(from: given)
        guard differences.isEmpty else { throw TrainingError.changed(differences) }
        return given
    }

    private static func open(
        _ data: TrainingConfiguration.DataShape, _ registry: DatasetRegistry
    ) throws -> any CaptionedPictures {
        let sets = try data.sets.map { (set: try open($0, registry), weight: $0.weight) }
        return sets.count == 1 ? sets[0].set : try Mixture(sets, together: data.together)
    }

    private static func open(
        _ part: TrainingConfiguration.DataShape.Part, _ registry: DatasetRegistry
    ) throws -> any CaptionedPictures {
        try part.scenes.map { try ComposedScenes($0, emoji: EmojiCollection.load()) } ?? registry.open(part.set)
    }

    // MARK: Running

    /// Trains until all steps are done, or until it is asked to stop by the flag or by its task's cancellation.
    ///
    /// Blocks; messages come on the calling thread.
    /// - Throws: `TrainingError`, `DatasetError`, `TensorError`. Checkpoints written before stay.
    public func run(stop: StopFlag = StopFlag(), _ tell: (TrainingMessage) -> Void = { _ in }) throws -> Outcome {
        let threads = Engine.threads
        Engine.threads = 1
        Engine.flushDenormals(true)
        if lock == nil { lock = try FolderLock(folder) }
        defer {
            lock = nil
            Engine.threads = threads
            Engine.flushDenormals(false)
        }
        for note in notes { tell(.note(note)) }
        let loader = try BatchLoader(
            set, preparation: configuration.preparation, batchSize: configuration.batchSize, seed: configuration.seed,
            tolerance: configuration.data.tolerance,
            wrongCaptions: configuration.kind == .contrastive ? configuration.contrastive.wrongCaptions : 0,
            together: configuration.data.together)
        func isStopped() -> Bool { stop.isSet || Task.isCancelled }
        if trainer.step == 0 {
            // A run that ends before its first checkpoint goes on from the model that it began with.
            if beginsWithModel { try writeState() }
            try trainer.objective.prepare(set, isStopped: isStopped) { tell(.note($0)) }
        } else if let checkpoint, !Self.isNewer(modelPath, than: checkpoint) {
            // The run was ended between a checkpoint and its model.
            try trainer.objective.write(trainer.averages, to: modelPath)
        }
        let batches = loader.stream(from: trainer.step, threads: 1, ahead: 4)
        defer { batches.cancel() }
        let log = try RunLog(folder: folder, from: trainer.step)
        let intervals = configuration.intervals
        var window = LogWindow()
        var clock = Speedometer()
        let samples = Double(configuration.batchSize * configuration.conditioning.cuts)
        var unapplied = 0
        // What is prepared before the first step is prepared again, to the same bits.
        var saved = trainer.step

        while trainer.step < configuration.steps {
            if isStopped() {
                if saved != trainer.step { try checkpoint(tell) }
                return .stopped(step: trainer.step)
            }
            let report = try trainer.advance(with: try batches.next())
            clock.step()
            window.add(report)
            unapplied = report.isApplied ? 0 : unapplied + 1
            guard unapplied < 20 else { throw TrainingError.diverged(step: trainer.step, skipped: unapplied) }
            let step = trainer.step
            let speed = clock.stepsPerSecond
            tell(.progress(TrainingProgress(
                step: step, steps: configuration.steps, loss: report.loss, rate: report.rate,
                samplesPerSecond: speed * samples,
                secondsLeft: speed > 0 ? Double(configuration.steps - step) / speed : 0)))
            let isLast = step == configuration.steps
            if step % intervals.log == 0 || isLast {
                let entry = window.entry(step: step, samplesPerSecond: speed * samples)
                try log.write(entry)
                tell(.logged(entry))
                window = LogWindow()
            }
            if step % intervals.checkpoint == 0 || isLast {
                try checkpoint(tell)
                saved = step
            }
            if intervals.sample > 0, step % intervals.sample == 0 || isLast { try sample(log, tell) }
            if step % intervals.checkpoint == 0 || (intervals.sample > 0 && step % intervals.sample == 0) {
                clock.pause()
            }
        }
        return .finished(step: trainer.step)
    }

    private static func isNewer(_ path: String, than other: String) -> Bool {
        func date(_ path: String) -> Date? {
            (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        }
        guard let own = date(path), let other = date(other) else { return false }
        return own >= other
    }

    private func writeState() throws {
        try store.write(step: trainer.step, state: trainer.state, description: trainer.objective.description())
    }

    private func checkpoint(_ tell: (TrainingMessage) -> Void) throws {
        try writeState()
        try trainer.objective.write(trainer.averages, to: modelPath)
        tell(.checkpoint(step: trainer.step, path: modelPath))
    }

    private func sample(_ log: RunLog, _ tell: (TrainingMessage) -> Void) throws {
        let samples = try trainer.objective.samples(trainer.averages, workers: trainer.workers)
        guard !samples.isEmpty else { return }
        let sheet = try ContactSheet().picture(of: samples.map(\.picture), captions: samples.map(\.caption))
        let png = try sheet.pngData()
        let place = folder + "/samples"
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.unwritable(place, problem: error.localizedDescription)
        }
        let path = place + "/" + CheckpointStore.name(trainer.step) + ".png"
        try Durable.write(Data(png), to: path)
        try log.write(samples: png, width: sheet.width, height: sheet.height, step: trainer.step)
        tell(.samples(step: trainer.step, path: path))
    }
}

/// Steps a second over the last steps, pauses left out.
struct Speedometer {
    private var last = DispatchTime.now().uptimeNanoseconds
    private var durations: [Double] = []

    mutating func step() {
        let now = DispatchTime.now().uptimeNanoseconds
        durations.append(Double(now - last) / 1e9)
        if durations.count > 50 { durations.removeFirst() }
        last = now
    }

    /// What passed since the last step does not count.
    mutating func pause() { last = DispatchTime.now().uptimeNanoseconds }

    var stepsPerSecond: Double {
        let total = durations.reduce(0, +)
        return total > 0 ? Double(durations.count) / total : 0
    }
}

/// The tensors of a source whose names begin with a prefix.
private struct OnlyPrefixed: TensorSource {
    let source: any TensorSource
    let tensorNames: [String]

    init(_ source: any TensorSource, _ prefix: String) {
        self.source = source
        tensorNames = source.tensorNames.filter { $0.hasPrefix(prefix) }
    }

    var sourceName: String { source.sourceName }
    func shape(of name: String) -> [Int]? { source.shape(of: name) }
    func tensor(_ name: String) throws -> Tensor { try source.tensor(name) }
}

extension DatasetRegistry {
    /// The built-in sets, composed scenes included.
    public static var training: DatasetRegistry {
        var registry = DatasetRegistry()
        registry.register("scenes", summary: "composed pictures of emoji in scenery, with captions") {
            try ComposedScenes(SceneConfiguration(), emoji: EmojiCollection.load())
        }
        registry.register("scenes-256", summary: "scenes, 256 pixels a side") {
            var large = SceneConfiguration()
            large.size = 256
            return try ComposedScenes(large, emoji: EmojiCollection.load())
        }
        registry.register("scenes-simple", summary: "one large subject in a clear place, no combination held out") {
            var simple = SceneConfiguration.simple
            simple.split = .all
            return try ComposedScenes(simple, emoji: EmojiCollection.load())
        }
        registry.register("scenes-eight", summary: "scenes-simple with eight subjects in their own colours") {
            try ComposedScenes(.eight, emoji: EmojiCollection.load())
        }
        registry.register("scenes-steady", summary: "scenes-eight with the subject nearly in the middle") {
            try ComposedScenes(.steady, emoji: EmojiCollection.load())
        }
        return registry
    }
}
