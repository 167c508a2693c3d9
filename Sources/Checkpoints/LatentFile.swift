internal import Diffusion
internal import Foundation
package import Layers
public import Models
public import Tensors

/// A published latent diffusion model, opened but not loaded: what it is, and where its parts' weights are.
public struct LatentFile {
    public enum Format: String, Sendable, Codable {
        /// A folder with `model_index.json` and a folder for each part.
        case diffusers
        /// One file in the CompVis and Stability form.
        case singleFile = "single-file"
    }

    /// The parts, by diffusers' names.
    public enum Part: String, Sendable, Codable, CaseIterable {
        case unet
        case textEncoder = "text_encoder"
        case textEncoder2 = "text_encoder_2"
        case autoencoder = "vae"
    }

    public let path: String
    public let format: Format
    public var configuration: LatentConfiguration
    /// Each part's weights under our names.
    var sources: [Part: any TensorSource]
    /// Of each tower, the folder with its vocabulary; nil is the one that comes with Moonlit.
    let vocabularies: [String?]
    /// Which part each tower is.
    let towerParts: [Part]
    /// The side of the pictures it was trained on, where that is known from what its network predicts alone.
    let imageSizes: [Prediction: Int]

    init(
        path: String, format: Format, configuration: LatentConfiguration, sources: [Part: any TensorSource],
        vocabularies: [String?], towerParts: [Part], imageSizes: [Prediction: Int] = [:]
    ) throws {
        self.path = path
        self.format = format
        self.configuration = configuration
        self.sources = sources
        self.vocabularies = vocabularies
        self.towerParts = towerParts
        self.imageSizes = imageSizes
        do {
            try configuration.validate()
        } catch let error as ConfigurationError {
            throw CheckpointError(path, error.description, expected: "parts that make one model")
        }
    }

    /// Every tensor of a part as the files call it, with its shape.
    package func tensors(of part: Part) -> [(name: String, shape: [Int])] {
        guard let source = sources[part] else { return [] }
        return source.tensorNames.map { (source.nameInFile($0), source.shape(of: $0) ?? []) }
    }

    package var parts: [Part] { Part.allCases.filter { sources[$0] != nil } }

    package func source(_ part: Part) throws -> any TensorSource {
        guard let source = sources[part] else { throw CheckpointError(path, "has no \(part.rawValue)") }
        return source
    }

    private func load<Network>(
        _ part: Part, dtype: DType, device: Device, _ build: (Weights) throws -> Network
    ) throws -> Network {
        let store = WeightStore(
            .tensors(try source(part)), dtype: dtype, device: device, onlyDraws: true,
            isQuantized: { part == .unet && UNet.isBody($0) })
        let network = try build(Weights(store))
        try store.finish()
        return network
    }

    package func unet(dtype: DType, device: Device) throws -> UNet {
        try load(.unet, dtype: dtype, device: device) { try UNet($0, configuration: configuration.unet) }
    }

    package func autoencoder(dtype: DType, device: Device) throws -> Autoencoder {
        let dtype = configuration.autoencoder.dtype(in: dtype)
        return try load(.autoencoder, dtype: dtype, device: device) {
            try Autoencoder($0, configuration: configuration.autoencoder)
        }
    }

    /// - Parameter index: of the tower.
    package func tower(_ index: Int, dtype: DType, device: Device) throws -> TextTower {
        try load(towerParts[index], dtype: dtype, device: device) { weights in
            switch configuration.towers[index].network {
            case .clip(let network): .clip(try CLIPTextTower(weights, configuration: network))
            case .bert(let network): .bert(try BERTTextTransformer(weights, configuration: network))
            }
        }
    }

    /// Compares every part's names and shapes with what the configuration calls for, reading no weights.
    ///
    /// - Throws: `WeightError` naming all that is missing, left over or of the wrong shape, by the files' own names.
    public func check() throws {
        var mistakes: [WeightError.Mistake] = []
        let shapes = try LatentFile(
            path: path, format: format, configuration: configuration, sources: sources.mapValues { ShapesOnly(base: $0) },
            vocabularies: vocabularies, towerParts: towerParts)
        func collect(_ build: () throws -> Void) throws {
            do { try build() } catch let error as WeightError { mistakes += error.mistakes }
        }
        try collect { _ = try shapes.unet(dtype: .float32, device: .cpu) }
        for index in towerParts.indices { try collect { _ = try shapes.tower(index, dtype: .float32, device: .cpu) } }
        try collect { _ = try shapes.autoencoder(dtype: .float32, device: .cpu) }
        if !mistakes.isEmpty { throw WeightError(source: path, mistakes: mistakes) }
    }
}

/// A loaded text tower.
package enum TextTower {
    case clip(CLIPTextTower)
    case bert(BERTTextTransformer)
}

/// A source whose tensors are not read: a number stands for each.
private struct ShapesOnly: TensorSource {
    let base: any TensorSource

    var sourceName: String { base.sourceName }
    var tensorNames: [String] { base.tensorNames }
    func shape(of name: String) -> [Int]? { base.shape(of: name) }
    func tensor(_ name: String) throws -> Tensor { try .zeros([]) }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }
}
