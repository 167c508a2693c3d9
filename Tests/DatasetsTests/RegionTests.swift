import Datasets
import Images
import Testing

/// Regions follow their pictures through cutting, resizing and mirroring.
@Suite struct RegionTests {
    /// A white rectangle, in pixels, on black, and the region it fills.
    private func example(_ width: Int, _ height: Int, white: (x: Int, y: Int, width: Int, height: Int)) throws -> Example {
        var picture = try Picture(width: width, height: height, filled: .black)
        for y in white.y..<white.y + white.height {
            for x in white.x..<white.x + white.width { for c in 0..<3 { picture.pixels[(y * width + x) * 3 + c] = 255 } }
        }
        let (w, h) = (Double(width), Double(height))
        let region = Region(
            x: Double(white.x) / w, y: Double(white.y) / h, width: Double(white.width) / w, height: Double(white.height) / h)
        return Example(picture: picture, caption: "a rectangle", key: "", regions: [region])
    }

    /// The box around what is bright, in shares of the side.
    private func bright(_ picture: Picture) -> Region? {
        let side = picture.width
        let places = (0..<side * side).filter { picture.pixels[$0 * 3] >= 128 }
        let (columns, rows) = (places.map { $0 % side }, places.map { $0 / side })
        guard let left = columns.min(), let right = columns.max(), let top = rows.min(), let bottom = rows.max() else {
            return nil
        }
        let unit = 1 / Double(side)
        return Region(
            x: Double(left) * unit, y: Double(top) * unit, width: Double(right - left + 1) * unit,
            height: Double(bottom - top + 1) * unit)
    }

    @Test(arguments: Preparation.Crop.allCases, [0.0, 1.0]) func regionsStandWhereTheirPixelsDo(
        crop: Preparation.Crop, flip: Double
    ) throws {
        let preparation = Preparation(
            size: 64, filter: .box, crop: crop, smallestCrop: 0.6, flip: flip, ground: .colour(.black))
        var (moved, compared) = (0, 0)
        for (width, height) in [(128, 64), (64, 128), (128, 128)] {
            let example = try example(width, height, white: (x: width / 2 - 8, y: height / 2 - 20, width: 24, height: 16))
            for variation in 0..<8 as Range<UInt64> {
                let picture = try preparation.picture(of: example, variation: variation)
                let region = preparation.regions(of: example, variation: variation).first
                let seen = bright(picture)
                guard let region, let seen else {
                    // Cut off, but for less than a pixel.
                    #expect(seen == nil && min(region?.width ?? 0, region?.height ?? 0) < 1.0 / 64)
                    continue
                }
                compared += 1
                for (a, b) in [
                    (region.x, seen.x), (region.y, seen.y), (region.width, seen.width), (region.height, seen.height),
                ] { #expect(abs(a - b) < 1.5 / 64, "\(crop) \(width)×\(height) \(variation): \(region) for \(seen)") }
                if abs(region.x - example.regions[0].x) > 0.01 { moved += 1 }
            }
        }
        #expect(compared > 12 && (moved > 0 || crop == .fit && flip == 0))
    }

    @Test func whatIsCutOffIsLeftOut() throws {
        let atTheEdge = try example(128, 64, white: (x: 0, y: 0, width: 16, height: 64))
        #expect(Preparation(size: 64).regions(of: atTheEdge, variation: 0).isEmpty)
        let halfInside = try example(128, 64, white: (x: 16, y: 0, width: 32, height: 64))
        #expect(
            Preparation(size: 64).regions(of: halfInside, variation: 0) == [Region(x: 0, y: 0, width: 0.25, height: 1)])
    }

    @Test func batchesHaveThem() throws {
        struct Rectangles: CaptionedPictures {
            let name = "rectangles"
            let count = 6
            func example(at index: Int, variation: UInt64) throws -> Example {
                Example(
                    picture: try Picture(width: 8, height: 8, filled: .white), caption: "", key: "\(index)",
                    regions: index % 2 == 0 ? [] : [Region(x: 0, y: 0, width: Double(index) / 8, height: 1)])
            }
        }
        let batch = try BatchLoader(Rectangles(), preparation: Preparation(size: 8), batchSize: 6, seed: 3).batch(step: 0)
        for (key, regions) in zip(batch.keys, batch.regions) {
            let index = try #require(Int(key))
            #expect(regions.map(\.width) == (index % 2 == 0 ? [] : [Double(index) / 8]))
        }
        #expect(Set(batch.keys).count == 6)
    }
}
