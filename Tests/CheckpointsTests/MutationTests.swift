import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Damaged configurations: 1,000 of them, each an error that names the file, or a configuration that is sound.
struct MutationTests {
    /// In a process of its own, so that its memory can be watched.
    @Test func damagedConfigurationsAreRefused() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.path + "/model.safetensors"
            let configuration = try TinyModel.configuration()
            try ModelFile.write(TinyModel.parameters(configuration), configuration: configuration, to: path)
            let file = try ModelFile(path)
            let json = try #require(file.archive.metadata["moonlit"])
            let original = try Data(contentsOf: URL(filePath: path))
            let values = json.ranges(of: /-?[0-9]+(\.[0-9]+)?|"[A-Za-z0-9]+"|true|false/)
            var random = SplitMix64(seed: 2)
            let before = try peakMemory()

            var counts = (sound: 0, refused: 0)
            for index in 0..<1000 {
                let damaged = index % 2 == 0 ? damage(json, &random) : change(json, values, &random)
                try replaced(json: damaged, in: original).write(to: URL(filePath: path))
                do {
                    let file = try ModelFile(path)
                    _ = try TextToImageModel(file.load(), configuration: file.configuration, device: .cpu)
                    counts.sound += 1
                } catch let error as CheckpointError {
                    counts.refused += 1
                    #expect(error.file == path && !error.problem.isEmpty, "\(damaged)")
                } catch let error as WeightError {
                    counts.refused += 1
                    #expect(error.source == path, "\(damaged)")
                } catch {
                    Issue.record("\(error) of \(damaged)")
                }
            }
            #expect(counts.sound > 10 && counts.refused > 500, "\(counts)")
            let grown = try peakMemory() - before
            #expect(grown < 128 << 20, "\(grown) bytes")
        }
    }

    /// A width that would need gigabytes costs nothing: the file's shapes are compared first.
    @Test func hugeSizesAllocateNothing() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.path + "/model.safetensors"
            var configuration = try TinyModel.configuration()
            let parameters = try TinyModel.parameters(configuration)
            configuration.network.unet.levels = Array(
                repeating: .init(channels: 60_000, residualBlocks: 8, attention: true), count: 8)
            configuration.network.unet.modelChannels = 60_000
            configuration.network.text.width = 60_000
            configuration.network.unet.text = .joint(width: 60_000)
            configuration.imageSize = 128
            try ModelFile.write(parameters, configuration: configuration, to: path)
            let before = try peakMemory()
            let error = try #require(throws: WeightError.self) { try ModelFile(path).load() }
            #expect(error.source == path && error.mistakes.count > 1000)
            let grown = try peakMemory() - before
            #expect(grown < 64 << 20, "\(grown) bytes")
        }
    }
}

/// One to three bytes of the text changed, left out, or doubled.
func damage(_ json: String, _ random: inout SplitMix64) -> String {
    var bytes = Array(json.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: bytes.indices, using: &random)
        let end = min(place + Int.random(in: 1...6, using: &random), bytes.count)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &random)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: bytes.indices, using: &random))
        case 3: bytes[place] = UInt8.random(in: 0x30...0x39, using: &random)
        default: if Int.random(in: 0..<8, using: &random) == 0 { bytes.removeSubrange(place...) }
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// One value of the text replaced by another that is hard to digest.
func change(_ json: String, _ values: [Range<String.Index>], _ random: inout SplitMix64) -> String {
    guard let place = values.randomElement(using: &random) else { return json }
    let others = [
        "0", "-1", "1", "2", "3", "60000", "65536", "65537", "4294967296", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "1e400", "1e18", "0.5", "null", "true", "{}", "[]", "\"\"", "\"gpt2\"", "\"noise\"",
        String(repeating: "[", count: 2000), "\"\\ud800\"",
    ]
    return json.replacingCharacters(in: place, with: others.randomElement(using: &random) ?? "0")
}

/// The same file with another configuration.
func replaced(json: String, key: String = "moonlit", in file: Data) throws -> Data {
    let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = try #require(
        try JSONSerialization.jsonObject(with: file.subdata(in: 8..<8 + length)) as? [String: Any])
    header["__metadata__"] = [key: json]
    let text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    var changed = Data(withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) })
    changed.append(text)
    changed.append(file.dropFirst(8 + length))
    return changed
}

/// The resident memory of this process at its highest, in bytes: of use to a test that has its process for itself.
func peakMemory() throws -> Int {
    #if canImport(Darwin)
    var usage = rusage()
    getrusage(RUSAGE_SELF, &usage)
    return Int(usage.ru_maxrss)
    #else
    // Not what `getrusage` tells: on Linux that begins with the peak of the process that started this one.
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.filter(\.isNumber))) << 10
    #endif
}

/// Sebastiano Vigna's SplitMix64.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
