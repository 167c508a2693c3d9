public import Images

/// One emoji: what it is called and where Unicode files it.
public struct Emoji: Sendable, Equatable {
    /// CLDR's short name, with what the picture adds to it: "fox face" where only the face is drawn.
    public let name: String
    /// CLDR's keywords without the name's own words.
    public let keywords: [String]
    public let group: String
    public let subgroup: String
    public let codepoints: [UInt32]
    /// The name as a noun phrase of English: "a red apple", "grapes", "a woman with red hair".
    public let phrase: NounPhrase
    let glyph: UInt32
}

/// Noto Color Emoji as cut-outs with names: 136×128 RGBA pictures out of the font's CBDT table.
///
/// Which are in: every fully qualified emoji of `emoji-test.txt` that shows a thing or a being. Which are out: flags,
/// symbols, skin tones and hair by themselves, people in a skin tone, the 24 clock faces, families and busts drawn as
/// grey silhouettes, and what this font draws with no or several glyphs.
public struct EmojiCollection: Sendable {
    public let emoji: [Emoji]
    private let font: GlyphFont

    /// - Throws: `DatasetError.missing`, naming the package, where the font, CLDR's annotations or `emoji-test.txt` are
    ///   not installed; `.malformed` where one is damaged.
    public static func load(_ files: DataFiles = DataFiles()) throws(DatasetError) -> EmojiCollection {
        let font = try GlyphFont(path: files.path(of: .emojiFont))
        let test = try EmojiTestFile(path: files.path(of: .emojiGroups))
        let own = try AnnotationFile(path: files.path(of: .annotations))
        let derived = try AnnotationFile(path: files.path(of: .derivedAnnotations))

        let wanted = test.entries.filter(EmojiSelection.includes)
        let glyphs = try font.glyphs(of: wanted.map(\.codepoints))
        var emoji: [Emoji] = []
        for (entry, glyph) in zip(wanted, glyphs) {
            guard let glyph else { continue }
            let key = entry.codepoints.filter { $0 != 0xFE0F }
                .reduce(into: "") { text, code in Unicode.Scalar(code).map { text.unicodeScalars.append($0) } }
            let annotation = own.entries[key] ?? derived.entries[key]
            let official = annotation?.name ?? entry.name
            let name = EmojiNames.depicted(official)
            let phrase = EmojiNames.phrase(for: name, subgroup: entry.subgroup)
            emoji.append(
                Emoji(
                    name: name, keywords: EmojiNames.keywords(annotation?.keywords ?? [], beside: name),
                    group: entry.group, subgroup: entry.subgroup, codepoints: entry.codepoints, phrase: phrase,
                    glyph: glyph))
        }
        guard !emoji.isEmpty else {
            throw .empty(font.path, reason: "it draws none of the emoji in emoji-test.txt")
        }
        return EmojiCollection(emoji: emoji, font: font)
    }

    /// The things: animals, plants, food, places, vehicles, tools; without faces, people and hands.
    public var objects: [Emoji] {
        emoji.filter { $0.group != "Smileys & Emotion" && $0.group != "People & Body" }
    }

    /// The cut-out, RGBA with alpha not premultiplied, 136×128, undrawn edges included (see `Picture.trimmed`).
    /// - Throws: `DatasetError.malformed` where the font is damaged at this glyph.
    public func picture(of emoji: Emoji) throws -> Picture { try font.picture(of: emoji.glyph) }

    public func first(named name: String) -> Emoji? { emoji.first { $0.name == name } }
}

/// Which lines of `emoji-test.txt` are pictures of something.
enum EmojiSelection {
    static func includes(_ entry: EmojiTestFile.Entry) -> Bool {
        if ["Flags", "Symbols", "Component"].contains(entry.group) { return false }
        if entry.codepoints.contains(where: { (0x1F3FB...0x1F3FF).contains($0) }) { return false }
        // 🕐 … 🕧: twenty-four dials that differ by a hand.
        if let first = entry.codepoints.first, (0x1F550...0x1F567).contains(first) { return false }
        if entry.name == "family" || entry.name.hasPrefix("family:") { return false }
        return !["bust in silhouette", "busts in silhouette", "speaking head", "footprints", "people hugging"]
            .contains(entry.name)
    }
}
