import Foundation
public import Tensors
public import Tokenizers

/// Rows learned for a word that a model did not know (Gal et al. 2022, "textual inversion"), from a file in any of the
/// usual forms:
///
/// - AUTOMATIC1111's `.pt`: `string_to_param`, a dictionary with one tensor; as safetensors, `emb_params`;
/// - diffusers' `.bin` or safetensors: a tensor for each word, `{"<cat-toy>": [768]}`;
/// - XL's: `clip_l` and `clip_g`, one for each tower.
public struct TextualInversion {
    /// More rows than a chunk has places could not be told together.
    public static let mostRows = 75

    public let path: String
    /// Rows by the words that stand for them.
    public let entries: [Entry]

    public struct Entry {
        public let words: [String]
        /// For each tower, or one table for all.
        public let tables: [Table]
    }

    public struct Table {
        /// The tower by the name XL's files use; nil is the tower of this width.
        public let tower: String?
        /// [rows, width], float32.
        public let rows: Tensor
    }

    /// - Parameter word: what stands for the rows in a prompt; else the words in the file, and its own name.
    /// - Throws: `TensorFileError` or `CheckpointError`, naming the file.
    public init(path: String, word: String? = nil) throws {
        let archive = try TensorArchive.open(path)
        self.path = path
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let given = word.map { [$0] }

        let learned = archive.names.filter { $0.hasPrefix("string_to_param.") }
        if !learned.isEmpty {
            guard learned.count == 1 else {
                throw CheckpointError(path, "teaches \(learned.count) words", expected: "one in string_to_param")
            }
            entries = [Entry(words: given ?? [name], tables: [try Self.table(learned[0], in: archive)])]
            return
        }
        if archive["clip_l"] != nil || archive["clip_g"] != nil {
            let tables = try ["clip_l", "clip_g"].filter { archive[$0] != nil }.map {
                try Self.table($0, in: archive, tower: $0)
            }
            guard Set(tables.map { $0.rows.shape[0] }).count == 1 else {
                throw CheckpointError(path, "has different numbers of rows in clip_l and clip_g", expected: "as many")
            }
            try Self.expectNothing(besides: ["clip_l", "clip_g"], in: archive)
            entries = [Entry(words: given ?? [name], tables: tables)]
            return
        }
        guard (1...1000).contains(archive.names.count) else {
            throw CheckpointError(path, "holds \(archive.names.count) tensors", expected: "a textual inversion")
        }
        guard given == nil || archive.names.count == 1 else {
            throw CheckpointError(
                path, "teaches \(archive.names.count) words, which one name cannot stand for", expected: "no name")
        }
        entries = try archive.names.map { key in
            let isNamed = key != "emb_params" && key != "*" && key != "tensor"
            let own = archive.names.count == 1 ? [name] : []
            let words = given ?? ((isNamed ? [key] : []) + own)
            return Entry(words: words, tables: [try Self.table(key, in: archive)])
        }
    }

    private static func expectNothing(besides names: Set<String>, in archive: TensorArchive) throws {
        if let other = archive.names.first(where: { !names.contains($0) }) {
            throw CheckpointError(archive.file.path, "also holds \(other)", expected: "a textual inversion")
        }
    }

    private static func table(_ name: String, in archive: TensorArchive, tower: String? = nil) throws -> Table {
        let entry = try archive.entry(name)
        let shape = entry.shape.count == 1 ? [1] + entry.shape : entry.shape
        guard shape.count == 2, (1...mostRows).contains(shape[0]), (1...65_536).contains(shape[1]),
            entry.dtype.isFloatingPoint
        else {
            throw CheckpointError(
                archive.file.path, "\(name) has the shape \(entry.shape) in \(entry.dtype.rawValue)",
                expected: "1 to \(mostRows) rows as wide as a text tower")
        }
        let rows = try archive.tensor(name).to(.float32).reshape(shape).clone()
        guard try rows.isFinite().to(.float32).min().item() == 1 else {
            throw CheckpointError(archive.file.path, "\(name) holds infinite numbers or none", expected: "finite ones")
        }
        return Table(tower: tower, rows: rows)
    }
}

/// Textual inversions laid out for one tower: a table behind its own, and the words that stand for its rows.
public struct AddedTokens {
    public let words: [AddedWord]
    /// [rows, width]; row i is token `vocabulary + i`.
    public let rows: Tensor

    /// - Parameters:
    ///   - vocabulary: rows of the tower's own table.
    ///   - width: of the tower.
    ///   - tower: its place among the model's: 0 is XL's `clip_l`, 1 its `clip_g`.
    ///   - towers: how many there are.
    /// - Returns: nil where there are none.
    /// - Throws: `CheckpointError` naming a file whose rows do not fit the tower.
    public init?(
        _ inversions: [TextualInversion], vocabulary: Int, width: Int, tower: Int = 0, of towers: Int = 1
    ) throws {
        var words: [AddedWord] = []
        var tables: [Tensor] = []
        var next = vocabulary
        for inversion in inversions {
            for entry in inversion.entries {
                guard let table = Self.table(entry, width: width, tower: tower, of: towers) else {
                    let found = entry.tables.map { "\($0.tower ?? "one") of \($0.rows.shape[1])" }
                    throw CheckpointError(
                        inversion.path, "has tables for \(found.joined(separator: " and "))",
                        expected: "rows for a text tower of width \(width)")
                }
                let count = table.shape[0]
                words += entry.words.map { AddedWord(word: $0, ids: Array(next..<next + count)) }
                tables.append(table)
                next += count
            }
        }
        guard !tables.isEmpty else { return nil }
        self.words = words
        rows = try .concatenate(tables)
    }

    /// The entry's table for a tower. One without a tower's name serves a tower of its width, if it is the only one.
    private static func table(
        _ entry: TextualInversion.Entry, width: Int, tower: Int, of towers: Int
    ) -> Tensor? {
        // A refiner has XL's second tower alone; the first Stable Diffusion's is XL's first.
        let name = towers > 1 ? (tower == 0 ? "clip_l" : "clip_g") : nil
        let fitting = entry.tables.filter { $0.rows.shape[1] == width }
        if let name, let named = fitting.first(where: { $0.tower == name }) { return named.rows }
        if name == nil || entry.tables.contains(where: { $0.tower == nil }) { return fitting.first?.rows }
        return nil
    }
}
