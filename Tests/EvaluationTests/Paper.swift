import Images
import Scenes

/// Cut-outs that need no font: for every character an ellipse in a colour of its own on a clear ground.
func paperArtwork() throws -> Artwork { try paper.get() }

private let paper = Result {
    try Artwork { character in
        let code = character.unicodeScalars.reduce(UInt32(7)) { $0 &* 31 &+ $1.value }
        let colour = [UInt8(code % 200 + 40), UInt8(code / 7 % 200 + 40), UInt8(code / 49 % 200 + 40), 255]
        var pixels: [UInt8] = []
        for y in 0..<12 {
            for x in 0..<12 {
                let (dx, dy) = (Double(x) - 5.5, Double(y) - 5.5)
                pixels += dx * dx + dy * dy <= 30 ? colour : [0, 0, 0, 0]
            }
        }
        return try Picture(width: 12, height: 12, channels: 4, pixels: pixels)
    }
}

func configuration(_ change: (inout SceneConfiguration) -> Void = { _ in }) -> SceneConfiguration {
    var configuration = SceneConfiguration()
    change(&configuration)
    return configuration
}
