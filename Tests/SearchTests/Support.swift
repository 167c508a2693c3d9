import Datasets
import Foundation
import Images
import Models
import Search
import Tensors

/// Projects pictures of 4×4 pixels with drawn weights; a text is the flat picture of the colours that it names.
struct ColourModel: PictureTextModel {
    let imageSide = 4
    let embeddingWidth: Int
    let isNoised = false
    let logitScale = 10.0
    private let weights: Tensor

    init(width: Int = 24, seed: UInt64 = 3) throws {
        embeddingWidth = width
        weights = try .randn([3 * 4 * 4, width], generator: RandomGenerator(seed: seed))
    }

    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        // The constant keeps grey from having no direction. In double precision, so that a picture's numbers do not depend on
        // how many others there are: products sum up in an order that does.
        let x = try pictures.to(.float64).reshape([pictures.size(0), 3 * 4 * 4]).matmul(weights.to(.float64)) + 0.1
        return try (x / x.square().sum([-1], keepDims: true).sqrt()).to(.float32)
    }

    func embeddings(ofTexts texts: [String]) throws -> Tensor {
        let planes = texts.flatMap { text in
            ["red", "green", "blue"].flatMap { Array(repeating: text.contains($0) ? Float(1) : -1, count: 16) }
        }
        return try embeddings(ofPictures: Tensor(planes, shape: [texts.count, 3, 4, 4]), timesteps: nil)
    }

    /// As the file of such a model would say.
    var identity: ModelIdentity {
        ModelIdentity(name: "colours", path: "/colours", bytes: embeddingWidth, crc32c: 7)
    }
}

/// A model whose embeddings have another length where it is given fewer pictures than `whole`.
struct WrongModel: PictureTextModel {
    let model: ColourModel
    let factor: Double
    let whole: Int

    var imageSide: Int { model.imageSide }
    var embeddingWidth: Int { model.embeddingWidth }
    var isNoised: Bool { false }
    var logitScale: Double { 1 }

    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        try model.embeddings(ofPictures: pictures, timesteps: timesteps) * (pictures.size(0) == whole ? 1 : factor)
    }

    func embeddings(ofTexts texts: [String]) throws -> Tensor { try model.embeddings(ofTexts: texts) }
}

/// Pictures in memory whose colours follow from their numbers.
struct ColourSet: CaptionedPictures {
    struct Element: Sendable {
        var key: String
        var number: Int
        var isBroken = false
    }

    let name = "colours"
    var elements: [Element]

    struct Broken: Error, CustomStringConvertible { let description = "it is torn" }

    init(_ numbers: some Sequence<Int>, broken: Set<Int> = []) {
        elements = numbers.map { Element(key: "picture \($0)", number: $0, isBroken: broken.contains($0)) }
    }

    var count: Int { elements.count }

    func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        let element = elements[index]
        if element.isBroken { throw Broken() }
        return Example(picture: try Self.picture(element.number), caption: "number \(element.number)", key: element.key)
    }

    func captions(at index: Int) throws -> [String] { ["number \(elements[index].number)"] }

    func identity(at index: Int) throws -> ExampleIdentity {
        ExampleIdentity(key: elements[index].key, stamp: "\(elements[index].number)")
    }

    static func picture(_ number: Int) throws -> Picture {
        var draws = SeededGenerator(seed: UInt64(number))
        let pixels = (0..<6 * 6 * 3).map { _ in UInt8(draws.below(256)) }
        return try Picture(width: 6, height: 6, channels: 3, pixels: pixels)
    }
}

/// A folder that goes with the test.
final class Folder {
    let path = NSTemporaryDirectory() + "moonlit-search-" + UUID().uuidString

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// An index's files by name, hidden ones aside.
func contents(of folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
    return Dictionary(
        uniqueKeysWithValues: try names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0))) })
}

func write(_ data: Data, to path: String) throws { try data.write(to: URL(fileURLWithPath: path)) }

/// Numbers of a drawn direction, of length 1.
func direction(_ width: Int, _ draws: inout SeededGenerator) -> [Float] {
    let values = (0..<width).map { _ in (0..<6).reduce(0.0) { sum, _ in sum + draws.unit() } - 3 }
    return unit(values.map { Float($0) })
}

func unit(_ values: [Float]) -> [Float] {
    let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return values.map { Float(Double($0) / length) }
}

/// An index of given embeddings, named by their numbers.
@discardableResult
func makeIndex(_ folder: String, _ embeddings: [[Float]]) throws -> SearchIndex {
    let model = ModelIdentity(name: "m", path: "/m", bytes: 1, crc32c: 1)
    let writer = try IndexWriter(folder: folder, model: model, collection: "c", width: embeddings[0].count)
    try writer.append(embeddings.flatMap { $0 }, embeddings.indices.map(entry))
    try writer.commit()
    return try SearchIndex(folder)
}

func entry(_ number: Int) -> IndexEntry {
    IndexEntry(key: "\(number)", place: number, stamp: "s\(number)", captions: ["caption \(number)", "naïve \"quotes\"\n"])
}
