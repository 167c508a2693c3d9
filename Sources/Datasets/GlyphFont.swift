import CGlyphs
import Foundation
import Images

/// A colour bitmap font, read by any number of threads: each borrows one of the fonts opened so far, and a further one
/// is opened where all are lent.
final class GlyphFont: @unchecked Sendable {
    let path: String
    private let lock = NSLock()
    private var idle: [OpaquePointer] = []

    init(path: String) throws(DatasetError) {
        self.path = path
        idle = [try open()]
    }

    deinit {
        for font in idle { glyph_font_close(font) }
    }

    /// The glyph each sequence is drawn with, nil where the font lacks it.
    func glyphs(of sequences: [[UInt32]]) throws(DatasetError) -> [UInt32?] {
        let font = try borrow()
        defer { giveBack(font) }
        return sequences.map { sequence in
            let glyph = glyph_font_shape(font, sequence, sequence.count)
            return glyph == 0 ? nil : glyph
        }
    }

    /// RGBA, alpha not premultiplied.
    func picture(of glyph: UInt32) throws -> Picture {
        let font = try borrow()
        defer { giveBack(font) }
        var pixels: UnsafeMutablePointer<UInt8>?
        var width: UInt32 = 0
        var height: UInt32 = 0
        var message = [CChar](repeating: 0, count: 256)
        guard glyph_font_picture(font, glyph, &pixels, &width, &height, &message, message.count) == 0, let pixels
        else { throw DatasetError.malformed(path, place: "glyph \(glyph)", reason: sentence(message)) }
        defer { glyph_pixels_free(pixels) }
        let count = Int(width) * Int(height) * 4
        return try Picture(
            width: Int(width), height: Int(height), channels: 4,
            pixels: Array(UnsafeBufferPointer(start: pixels, count: count)))
    }

    private func borrow() throws(DatasetError) -> OpaquePointer {
        if let font = lock.withLock({ idle.popLast() }) { return font }
        return try open()
    }

    private func giveBack(_ font: OpaquePointer) { lock.withLock { idle.append(font) } }

    private func open() throws(DatasetError) -> OpaquePointer {
        var font: OpaquePointer?
        var message = [CChar](repeating: 0, count: 256)
        guard glyph_font_open(path, &font, &message, message.count) == 0, let font else {
            throw .unreadable(path, reason: sentence(message))
        }
        return font
    }
}

private func sentence(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
