import Checkpoints
import Datasets
import Foundation
import Images
import Layers
import Tensors
import Testing
import Training

let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

/// A folder that is gone after the body.
func withTemporaryFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "moonlit-training-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// Plain pictures whose captions name their colours.
struct ColouredSet: CaptionedPictures {
    static let colours: [(name: String, colour: Colour)] = [
        ("red", Colour(red: 230, green: 20, blue: 20)), ("green", Colour(red: 20, green: 200, blue: 40)),
        ("blue", Colour(red: 20, green: 40, blue: 220)), ("white", .white),
    ]
    let name = "coloured"
    var noun = "square"
    var count: Int { Self.colours.count }

    func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        let (name, colour) = Self.colours[index]
        return Example(picture: try Picture(width: 8, height: 8, filled: colour), caption: "a \(name) \(noun)", key: name)
    }
}

/// A run of seconds.
func small(steps: Int = 6) -> TrainingConfiguration {
    var configuration = TrainingConfiguration.tiny
    configuration.imageSize = 8
    configuration.network.patchSize = 1
    configuration.batchSize = 4
    configuration.steps = steps
    configuration.intervals.log = 2
    configuration.intervals.sample = 0
    configuration.intervals.checkpoint = 2
    return configuration
}

func trainer(_ configuration: TrainingConfiguration, workers: Int = 2) throws -> Trainer {
    let kept = try CaptionVocabulary.tokens(of: ColouredSet(), vocabulary: .clip)
    let objective = try DiffusionObjective(
        configuration, model: try configuration.model(kept: kept),
        weights: .initial(RandomGenerator(seed: configuration.seed)))
    return try Trainer(configuration, objective: objective, workers: WorkerGroup(count: workers))
}

func batches(_ configuration: TrainingConfiguration) throws -> BatchLoader {
    try BatchLoader(
        ColouredSet(), preparation: configuration.preparation, batchSize: configuration.batchSize,
        seed: configuration.seed)
}

/// Runs in one go in `folder`/a, and in `folder`/b with a stop after a step; expects the same state and files of both.
///
/// - Parameter other: what the second is resumed with; what its folder says unless given.
/// - Returns: the run in one go.
@discardableResult
func expectResumedEqualsWhole(
    _ configuration: TrainingConfiguration, in folder: String, stopAfter stop: Int = 3,
    resumedWith other: TrainingConfiguration? = nil, files: [String] = [], data: any CaptionedPictures = ColouredSet(),
    location: SourceLocation = #_sourceLocation
) throws -> TrainingRun {
    let whole = try TrainingRun(configuration: configuration, folder: folder + "/a", data: data)
    let outcome = try whole.run()
    #expect(outcome == .finished(step: configuration.steps), sourceLocation: location)
    let flag = StopFlag()
    let first = try TrainingRun(configuration: configuration, folder: folder + "/b", data: data)
    let stopped = try first.run(stop: flag) { if case .progress(let now) = $0, now.step == stop { flag.set() } }
    #expect(stopped == .stopped(step: stop), sourceLocation: location)
    let rest = try TrainingRun(configuration: other, folder: folder + "/b", resume: true, data: data)
    #expect(rest.step == stop, sourceLocation: location)
    let resumed = try rest.run()
    #expect(resumed == .finished(step: configuration.steps), sourceLocation: location)
    let number = String(configuration.steps)
    let step = String(repeating: "0", count: 8 - number.count) + number
    for file in ["checkpoints/step-\(step)/state.safetensors"] + files {
        let isSame = try bytes(folder + "/a/" + file) == bytes(folder + "/b/" + file)
        #expect(isSame, "\(file)", sourceLocation: location)
    }
    return whole
}

func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// ‖a − b‖ / ‖b‖.
func relativeError(_ a: Tensor, _ b: Tensor) throws -> Double {
    let (x, y) = (try a.to(.float64).doubles(), try b.to(.float64).doubles())
    let difference = zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let size = y.reduce(0) { $0 + $1 * $1 }
    return (difference / max(size, 1e-300)).squareRoot()
}
