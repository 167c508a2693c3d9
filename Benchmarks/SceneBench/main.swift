// How fast scenes are composed, by style and together, and what they look like:
//
//     swift run -c release SceneBench [--size 64] [--threads 2] [--seconds 2] [--sheet FILE.png] [--preset simple]
import BenchOptions
import Datasets
import Foundation
import Images
import Scenes

/// Pictures a second over all threads, which take turns with the indices until the time is over.
func rate(_ scenes: ComposedScenes, threads: Int, seconds: Double) async throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    let painted = try await withThrowingTaskGroup(of: Int.self) { group in
        for thread in 0..<threads {
            group.addTask {
                var count = 0
                while clock.now < end {
                    _ = try scenes.scene(at: thread + count * threads)
                    count += 1
                }
                return count
            }
        }
        return try await group.reduce(0, +)
    }
    let elapsed = (clock.now - start).components
    return Double(painted) / (Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
}

var configuration = option("preset") == "simple" ? SceneConfiguration.simple : SceneConfiguration()
configuration.size = number("size", 64)
if let style = option("style").flatMap(Style.init) {
    configuration.styles = style == .plain ? [] : [style]
    configuration.styleProbability = style == .plain ? 0 : 1
}
if let light = option("light").flatMap(Light.init) { configuration.lights = [light] }
let threads = number("threads", 2)
let seconds = option("seconds").flatMap { Double($0) } ?? 2
let artwork = try Artwork(EmojiCollection.load())

if let path = option("sheet") {
    let scenes = try ComposedScenes(configuration, artwork: artwork)
    let shown = try (0..<36).map { try scenes.scene(at: $0) }
    try ContactSheet(columns: 6).picture(of: shown.map(\.picture), captions: shown.map(\.caption)).write(to: path)
    print("36 scenes in \(path)")
} else {
    print("\(configuration.size)×\(configuration.size), \(threads) threads, pictures a second")
    print(
        "as configured:",
        Int(try await rate(ComposedScenes(configuration, artwork: artwork), threads: threads, seconds: seconds)))
    for style in Style.allCases {
        var one = configuration
        one.split = .all
        one.styles = style == .plain ? [] : [style]
        one.styleProbability = style == .plain ? 0 : 1
        print(
            "\(style.rawValue):",
            Int(try await rate(ComposedScenes(one, artwork: artwork), threads: threads, seconds: seconds)))
    }
}
