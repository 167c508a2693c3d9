import Datasets
import Foundation
import Images
import Testing

@Test func scratchDump() throws {
    let c = try EmojiCollection.load()
    print("COUNT", c.emoji.count, c.objects.count)
    var lines = ""
    var raw = Data()
    let set = EmojiSet(c, ground: .soft)
    for i in 0..<set.count {
        let e = try set.example(at: i, variation: UInt64(i) &* 7919)
        raw.append(contentsOf: e.picture.pixels)
        let m = c.emoji[i]
        lines += "\(m.subgroup)\t\(m.phrase.text)\t\(e.caption)\t\(m.keywords.joined(separator: " | "))\n"
    }
    try raw.write(to: URL(fileURLWithPath: "/tmp/emoji.raw"))
    try lines.write(toFile: "/tmp/emoji.tsv", atomically: true, encoding: .utf8)
}
