import Images
import Scenes
import Testing

/// Whether pictures show the light that their captions tell.
@Suite struct LightTests {
    @Test func moonAndMoonlightAreBrightAgainstDark() throws {
        for style in Style.allCases {
            let night = try brightness(.moonlight, style)
            let day = try brightness(.day, style)
            #expect(night.mean < day.mean - 0.1, "\(style): night \(night), day \(day)")
            #expect(night.mean > 0.12, "\(style) is too dark at night: \(night)")
            #expect(night.peak > 0.75, "\(style) has no moon: \(night)")
        }
    }

    /// They have no colours to tell it by.
    @Test func sketchesTellSunsetFromDayByTheirStrokes() throws {
        let (day, sunset, night) = try (
            brightness(.day, .pencilSketch), brightness(.sunset, .pencilSketch), brightness(.moonlight, .pencilSketch)
        )
        #expect(sunset.mean < day.mean - 0.05, "sunset \(sunset), day \(day)")
        #expect(night.mean < sunset.mean - 0.1, "night \(night), sunset \(sunset)")
    }

    /// Its rim and rays are the darkest strokes of a land without subjects' outlines.
    @Test func theSunSetsWithRaysInSketches() throws {
        func darkest(_ light: Light) throws -> Int {
            let scenes = try scenes {
                $0.split = .all
                $0.lights = [light]
                $0.styles = [.pencilSketch]
                $0.styleProbability = 1
                $0.places = [.desert]
                $0.subjects = ["fox"]
                $0.subjectCounts = [1, 0, 0]
                $0.minimumHeight = 0.3
            }
            return try (0..<12).map { index in
                let scene = try scenes.scene(at: index)
                let boxes = scene.description.entities.flatMap(\.boxes)
                var dark = 0
                for y in 0..<38 {
                    for x in 0..<64 {
                        let (u, v) = ((Double(x) + 0.5) / 64, (Double(y) + 0.5) / 64)
                        let free = boxes.allSatisfy {
                            u < $0.x - 0.05 || u > $0.maxX + 0.05 || v < $0.y - 0.05 || v > $0.maxY + 0.05
                        }
                        if free, scene.picture.pixels[3 * (64 * y + x)] < 110 { dark += 1 }
                    }
                }
                return dark
            }.reduce(0, +)
        }
        let (day, sunset) = (try darkest(.day), try darkest(.sunset))
        #expect(sunset > 3 * day + 60, "\(sunset) dark pixels at sunset, \(day) by day")
    }

    private func brightness(_ light: Light, _ style: Style) throws -> (mean: Double, peak: Double) {
        let scenes = try scenes {
            $0.split = .all
            $0.lights = [light]
            $0.styles = [style]
            $0.styleProbability = 1
            $0.places = [.lake, .meadow]
        }
        var sum = 0.0
        var peak = 0.0
        var count = 0.0
        for index in 0..<12 {
            let picture = try scenes.scene(at: index).picture
            for i in stride(from: 0, to: picture.pixels.count, by: 3) {
                let luma =
                    (0.299 * Double(picture.pixels[i]) + 0.587 * Double(picture.pixels[i + 1]) + 0.114
                        * Double(picture.pixels[i + 2])) / 255
                sum += luma
                count += 1
                // The margins of paper are no moon.
                let x = i / 3 % 64
                let y = i / 3 / 64
                if (8..<56).contains(x), (6..<40).contains(y) { peak = max(peak, luma) }
            }
        }
        return (sum / count, peak)
    }
}
