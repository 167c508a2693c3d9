import Images
import Scenes

/// Cut-outs that need no font: for every character an ellipse in a colour of its own on a clear ground.
func paperArtwork() throws -> Artwork { try paper.get() }

private let paper = Result { try cutPaper() }

private func cutPaper() throws -> Artwork {
    try Artwork { character in
        let code = character.unicodeScalars.reduce(UInt32(7)) { $0 &* 31 &+ $1.value }
        let colour = [UInt8(code % 200 + 40), UInt8(code / 7 % 200 + 40), UInt8(code / 49 % 200 + 40), 255]
        let w = 15 + Int(code % 15)
        let h = 15 + Int(code / 11 % 15)
        var pixels: [UInt8] = []
        for y in 0..<32 {
            for x in 0..<34 {
                let dx = (Double(x) - 17) / Double(w) * 2
                let dy = (Double(y) - 16) / Double(h) * 2
                pixels += dx * dx + dy * dy <= 1 ? colour : [0, 0, 0, 0]
            }
        }
        return try Picture(width: 34, height: 32, channels: 4, pixels: pixels)
    }
}

func scenes(_ change: (inout SceneConfiguration) -> Void = { _ in }) throws -> ComposedScenes {
    var configuration = SceneConfiguration()
    change(&configuration)
    return try ComposedScenes(configuration, artwork: paperArtwork())
}
