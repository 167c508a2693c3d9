import Evaluation
import Foundation
import Images
import Models
import Scenes
import Synchronization
import Tensors

/// What pictures show, as everybody in these tests knows it: pictures by their pixels.
final class World: Sendable {
    private let shown = Mutex<[[UInt8]: Content]>([:])
    static let side = 64

    func register(_ picture: Picture, _ content: Content) {
        shown.withLock { $0[picture.rgb.pixels] = content }
    }

    func content(of pixels: [UInt8]) -> Content? { shown.withLock { $0[pixels] } }

    /// A new picture that shows something.
    func picture(of content: Content) throws -> Picture {
        let number = shown.withLock { $0.count }
        var picture = try Picture(width: Self.side, height: Self.side, filled: Colour(grey: 128))
        for digit in 0..<6 { picture.pixels[digit] = UInt8(number >> (4 * digit) & 15) * 16 }
        register(picture, content)
        return picture
    }
}

/// Embeds what captions say and what pictures show, one number a fact. Pictures that the world does not know are all one.
struct KnowingJudge: PictureTextModel {
    let world: World
    private let reader = CaptionReader()
    var imageSide: Int { World.side }
    var embeddingWidth: Int { Self.width }
    var isNoised: Bool { false }
    var logitScale: Double { 1 }

    private static let subjects = Dictionary(uniqueKeysWithValues: Subject.all.enumerated().map { ($1.name, $0) })
    private static let relations = 1021
    private static let width = 1 + Subject.all.count + 8 + 4 + 7 + relations

    init(world: World) { self.world = world }

    private func row(_ content: Content?) -> [Float] {
        var row = [Float](repeating: 0, count: Self.width)
        guard let content else {
            row[0] = 1
            return row
        }
        var offset = 1
        func mark(_ index: Int?, _ count: Int) {
            if let index { row[offset + index] += 1 }
            offset += count
        }
        for subject in content.subjects { row[1 + (Self.subjects[subject] ?? 0)] += 1 / Float(content.subjects.count) }
        offset += Subject.all.count
        mark(content.place.flatMap { Place.allCases.firstIndex(of: $0) }, 8)
        mark(content.light.flatMap { Light.allCases.firstIndex(of: $0) }, 4)
        mark(Style.allCases.firstIndex(of: content.style), 7)
        if !content.relation.isEmpty {
            // FNV-1a.
            let code = content.relation.joined(separator: "|").utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01B3
            }
            mark(Int(code % UInt64(Self.relations)), Self.relations)
        }
        let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { $0 / length }
    }

    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        let area = 3 * World.side * World.side
        let values = try pictures.floats()
        let rows = try stride(from: 0, to: values.count, by: area).map { start in
            let picture = try Picture(planes: Array(values[start..<start + area]), width: World.side, height: World.side)
            return row(world.content(of: picture.pixels))
        }
        return try Tensor(rows.flatMap { $0 }, shape: [rows.count, Self.width])
    }

    func embeddings(ofTexts texts: [String]) throws -> Tensor {
        try Tensor(texts.flatMap { row(reader.read($0)) }, shape: [texts.count, Self.width])
    }
}

/// Draws what the prompt says, or something else.
final class Painter: PictureMaker {
    let world: World
    private let change: (inout Content, UInt64) -> Void
    private let reader = CaptionReader()
    private(set) var drawn: [UInt64] = []
    /// Is cancelled before so many pictures are drawn.
    var patience = Int.max

    init(world: World, _ change: @escaping (inout Content, UInt64) -> Void = { _, _ in }) {
        self.world = world
        self.change = change
    }

    func pictures(of prompts: [String], seeds: [UInt64]) throws -> [Picture] {
        guard drawn.count + prompts.count <= patience else { throw CancellationError() }
        drawn += seeds
        return try zip(prompts, seeds).map { prompt, seed in
            var content = reader.read(prompt)
            change(&content, seed)
            return try world.picture(of: content)
        }
    }
}

/// Small numbers that look drawn.
struct Dice {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 12345 }
    mutating func pick<T>(_ items: [T]) -> T {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return items[Int((state >> 33) % UInt64(items.count))]
    }
}

func withTemporaryFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "moonlit-evaluation-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}
