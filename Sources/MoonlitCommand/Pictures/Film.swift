import Images
import Moonlit

/// The stages of each picture, evenly chosen: a row a picture.
struct Film {
    /// Of a picture, the noise not counted.
    private static let stages = 12

    private(set) var rows: [[Picture]] = []
    private var current: [[Picture]] = []

    init() {}

    mutating func take(_ step: GenerationStep) {
        if step.index == 0 { current = step.noise.map { [$0] } }
        // Of more steps than stages, those at the ends of equal parts.
        let shown = min(Self.stages, step.count)
        let isShown = (step.index + 1) * shown / step.count > step.index * shown / step.count
        if isShown { for (row, picture) in step.noisy.enumerated() { current[row].append(picture) } }
        if step.isLast {
            rows += current
            current = []
        }
    }

    /// - Throws: `ImageError.invalidSize` without a picture, or for more than a strip holds.
    func picture() throws -> Picture {
        try FilmStrip(columns: rows.first?.count).picture(of: rows.flatMap { $0 })
    }

    /// What no strip can hold, or no file of its format, is refused before anything is drawn.
    ///
    /// - Parameters:
    ///   - count: pictures, a row each.
    ///   - steps: from noise to each of them.
    ///   - width, height: of each, in pixels.
    ///   - file: where the strip is to be written.
    /// - Throws: `GenerationError.invalid`.
    static func check(_ count: Int, steps: Int, width: Int, height: Int, for file: OutputPath) throws {
        let columns = 1 + min(stages, steps)
        try file.checkHolds("\(count) pictures of \(width)×\(height) in \(columns) stages", option: "film-strip") {
            try FilmStrip(columns: columns).size(of: count * columns, width: width, height: height)
        }
    }
}
