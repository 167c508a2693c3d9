import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// A small network of `Tests/Fixtures/unet`, with what the reference made of its inputs.
struct UNetFixture {
    /// Made by diffusers, with diffusers' names.
    static let diffusers = ["sd1", "sd2", "xl", "refiner", "inpainting", "odd"]

    let archive: TensorArchive
    let configuration: UNetConfiguration
    /// Under our names.
    let weights: any TensorSource

    static func path(_ file: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/unet/\(file)").path
    }

    init(_ name: String) throws {
        archive = try .open(Self.path("\(name).safetensors"))
        let json = try #require(archive.metadata["config"])
        configuration = try UNetConfiguration(diffusers: Data(json.utf8), file: "\(name)/config.json")
        weights = TranslatedSource(
            base: PrefixedSource(archive, prefix: "weights."), names: try UNetNames.diffusers(configuration))
    }

    func network(dtype: DType = .float32) throws -> UNet { try build(weights, configuration, dtype: dtype) }

    /// The whole call.
    func output(_ network: UNet, isPrepared: Bool = false) throws -> Tensor {
        try withoutGradients {
            var context = try UNetContext(text: archive.tensor("text"))
            if archive["pooled"] != nil {
                context.added = try addedInput(
                    pooled: archive.tensor("pooled"), sizes: archive.tensor("sizes"), sizeWidth: configuration.sizeWidth)
            }
            if isPrepared { context = try network.prepared(context) }
            return try network(archive.tensor("x"), timesteps: archive.tensor("timesteps"), context: context)
        }
    }
}

/// A network with a source's weights, all of which it must ask for.
func build(_ weights: any TensorSource, _ configuration: UNetConfiguration, dtype: DType = .float32) throws -> UNet {
    let store = WeightStore(.tensors(weights), dtype: dtype)
    let network = try UNet(Weights(store), configuration: configuration)
    try store.finish()
    return network
}

func relativeError(_ a: Tensor, _ b: Tensor) throws -> Double {
    #expect(a.shape == b.shape)
    return try ((a.to(.float64) - b.to(.float64)).norm() / b.to(.float64).norm()).item()
}

/// A source under our names.
struct TranslatedSource: TensorSource {
    let base: any TensorSource
    let ours: [String: String]
    let names: [String: String]

    init(base: any TensorSource, names: [String: String]) {
        self.base = base
        self.names = names
        ours = Dictionary(names.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    }

    var sourceName: String { base.sourceName }
    var tensorNames: [String] { base.tensorNames.map { ours[$0] ?? $0 } }
    func shape(of name: String) -> [Int]? { base.shape(of: names[name] ?? name) }
    func tensor(_ name: String) throws -> Tensor { try base.tensor(names[name] ?? name) }
}

/// A published network at full size: every parameter's name in the authors' file and in diffusers', and its shape.
struct PublishedNames {
    var diffusers: [String: String] = [:]
    var shapes: [String: [Int]] = [:]

    /// - Parameter family: a column of the file.
    init(_ file: String, _ family: String) throws {
        let text = try String(contentsOfFile: UNetFixture.path("names.\(file).tsv"), encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        let column = try #require(lines[0].firstIndex(of: family))
        for line in lines.dropFirst() {
            diffusers[line[0]] = line[1]
            shapes[line[0]] = line[column].split(separator: ",").compactMap { Int($0) }
        }
    }
}
