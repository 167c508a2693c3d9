import Images
import Moonlit

/// All pictures of a run on one contact sheet, each with its prompt under it.
struct PictureSheet {
    private static let layout = ContactSheet(captionLines: 5)
    /// As many as on other commands' sheets.
    private static let largest = 10_000

    private var pictures: [Picture] = []
    private var captions: [String] = []

    init() {}

    mutating func take(_ picture: GeneratedPicture) {
        pictures.append(picture.picture)
        captions.append(picture.settings.prompt)
    }

    /// - Throws: `ImageError.invalidSize` without a picture, or for more than a sheet holds.
    func picture() throws -> Picture { try Self.layout.picture(of: pictures, captions: captions) }

    /// What no sheet can hold, or no file of its format, is refused before anything is drawn.
    ///
    /// - Parameters:
    ///   - count: pictures of a prompt.
    ///   - width, height: of each picture, in pixels.
    ///   - file: where the sheet is to be written.
    /// - Throws: `GenerationError.invalid`.
    static func check(_ prompts: [String], count: Int, width: Int, height: Int, for file: OutputPath) throws {
        let total = prompts.count * count
        guard total <= largest else {
            throw GenerationError.invalid(
                option: "sheet", value: "of \(total) pictures", expected: "at most \(largest), or no --sheet")
        }
        try file.checkHolds("\(total) pictures of \(width)×\(height)", option: "sheet") {
            try layout.size(
                of: Array(repeating: (width: width, height: height), count: total),
                captions: prompts.flatMap { Array(repeating: $0, count: count) })
        }
    }
}
