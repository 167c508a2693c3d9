/// Subjects that no emoji shows, or that light changes: drawn in the unit square of their box.
enum DrawnSubject: Sendable, Hashable {
    case house, cottage, lighthouse, robot, calculator, hotAirBalloon

    var aspect: Double {
        switch self {
        case .house: 1.0
        case .cottage: 1.2
        case .lighthouse: 0.42
        case .robot: 0.72
        case .calculator: 0.7
        case .hotAirBalloon: 0.74
        }
    }

    func draw(on canvas: Canvas, colour: ColourWord?) {
        switch self {
        case .house: drawHouse(canvas, walls: colour?.colour.mixed(Colour(1, 1, 1), 0.15) ?? Colour(0xF3E3C3))
        case .cottage: drawCottage(canvas)
        case .lighthouse: drawLighthouse(canvas)
        case .robot: drawRobot(canvas, metal: colour?.colour ?? Colour(0x9FB0BC))
        case .calculator: drawCalculator(canvas, body: colour?.colour.times(0.9) ?? Colour(0x565D66))
        case .hotAirBalloon: drawHotAirBalloon(canvas, cloth: colour?.colour ?? Colour(0xDF3B30))
        }
    }

    /// What shines by itself after dark, drawn over the lit subject.
    func drawLamps(on canvas: Canvas) {
        let glow = Colour(0xFFD56A)
        for (x, y, w, h) in lamps {
            canvas.glow(x + w / 2, y + h / 2, w * 1.5, h * 1.5, Colour(0xFFB640), alpha: 0.55)
            canvas.rectangle(x, y, w, h, glow)
            canvas.rectangle(x + w * 0.44, y, w * 0.12, h, Colour(0x8A5A20), alpha: 0.7)
        }
        if self == .lighthouse { canvas.glow(0.5, 0.14, 1.1, 0.22, Colour(0xFFF0A8), alpha: 0.9) }
    }

    private var lamps: [(Double, Double, Double, Double)] {
        switch self {
        case .house:
            [(0.18, 0.49, 0.15, 0.15), (0.67, 0.49, 0.15, 0.15), (0.18, 0.74, 0.15, 0.15), (0.67, 0.74, 0.15, 0.15)]
        case .cottage: [(0.17, 0.63, 0.17, 0.18), (0.66, 0.63, 0.17, 0.18)]
        case .lighthouse: [(0.32, 0.1, 0.36, 0.08)]
        default: []
        }
    }

    private func drawHouse(_ c: Canvas, walls: Colour) {
        c.rectangle(0.72, 0.06, 0.1, 0.26, Colour(0x9C5A46))
        c.rectangle(0.7, 0.04, 0.14, 0.05, Colour(0x7C4536))
        c.rectangle(0.08, 0.4, 0.84, 0.6, walls)
        c.rectangle(0.08, 0.4, 0.84, 0.05, walls.times(0.78))
        c.rectangle(0.08, 0.95, 0.84, 0.05, walls.times(0.7))
        c.polygon([(0, 0.43), (0.5, 0.02), (1, 0.43)], Colour(0xB8402F))
        c.polygon([(0, 0.43), (0.5, 0.02), (0.53, 0.1), (0.12, 0.43)], Colour(0xD15A44))
        c.ellipse(0.5, 0.28, 0.065, 0.065, Colour(0xF4EFE4))
        c.ellipse(0.5, 0.28, 0.045, 0.045, Colour(0x6C93AE))
        windows(c)
        c.rectangle(0.42, 0.66, 0.16, 0.34, Colour(0x6E4226))
        c.ellipse(0.545, 0.84, 0.014, 0.014, Colour(0xE8C35A))
    }

    private func windows(_ c: Canvas) {
        for (x, y, w, h) in lamps {
            c.rectangle(x - 0.025, y - 0.025, w + 0.05, h + 0.05, Colour(0xFBF7EE))
            c.rectangle(x, y, w, h, Colour(0x6F9DBB))
            c.polygon([(x, y), (x + w * 0.6, y), (x, y + h * 0.8)], Colour(0xA9CBDF))
            c.rectangle(x + w * 0.44, y, w * 0.12, h, Colour(0xFBF7EE))
            c.rectangle(x, y + h * 0.44, w, h * 0.12, Colour(0xFBF7EE))
        }
    }

    private func drawCottage(_ c: Canvas) {
        c.rectangle(0.2, 0.08, 0.11, 0.3, Colour(0x8D8178))
        c.rectangle(0.18, 0.06, 0.15, 0.05, Colour(0x6F655E))
        c.rectangle(0.1, 0.5, 0.8, 0.5, Colour(0xF6EEDD))
        for x in [0.1, 0.37, 0.6, 0.87] { c.rectangle(x, 0.5, 0.03, 0.5, Colour(0x6B4A2F)) }
        c.rectangle(0.1, 0.94, 0.8, 0.06, Colour(0x9B9186))
        c.fill(Colour(0xA9773A)) {
            c.move(0, 0.58)
            c.curve((0.1, 0.5), (0.14, 0.14), (0.26, 0.12))
            c.line(0.74, 0.12)
            c.curve((0.86, 0.14), (0.9, 0.5), (1, 0.58))
            c.curve((0.8, 0.53), (0.2, 0.53), (0, 0.58))
        }
        c.fill(Colour(0xC6934C)) {
            c.move(0.06, 0.5)
            c.curve((0.13, 0.42), (0.16, 0.15), (0.26, 0.12))
            c.line(0.74, 0.12)
            c.curve((0.78, 0.13), (0.8, 0.16), (0.82, 0.2))
            c.curve((0.5, 0.18), (0.28, 0.22), (0.06, 0.5))
        }
        windows(c)
        c.roundedRectangle(0.43, 0.63, 0.14, 0.4, radius: 0.06, Colour(0x41705A))
        c.ellipse(0.54, 0.83, 0.012, 0.014, Colour(0xE8C35A))
        for x in [0.14, 0.24, 0.34, 0.66, 0.76, 0.86] { c.ellipse(x, 0.97, 0.055, 0.045, Colour(0x4F8A3C)) }
    }

    private func drawLighthouse(_ c: Canvas) {
        c.polygon([(0.24, 0.22), (0.76, 0.22), (0.92, 1), (0.08, 1)], Colour(0xF7F4EE))
        for (top, bottom) in [(0.3, 0.42), (0.56, 0.68), (0.82, 0.94)] {
            func half(_ y: Double) -> Double { 0.26 + (y - 0.22) / 0.78 * 0.16 }
            c.polygon(
                [
                    (0.5 - half(top), top), (0.5 + half(top), top), (0.5 + half(bottom), bottom),
                    (0.5 - half(bottom), bottom),
                ],
                Colour(0xD23A33))
        }
        c.rectangle(0.14, 0.18, 0.72, 0.04, Colour(0x3A3F47))
        c.rectangle(0.3, 0.08, 0.4, 0.1, Colour(0xFFE9A0))
        c.polygon([(0.22, 0.09), (0.5, 0), (0.78, 0.09)], Colour(0xB02B28))
        c.rectangle(0.4, 0.86, 0.2, 0.14, Colour(0x4B3A30))
    }

    private func drawRobot(_ c: Canvas, metal: Colour) {
        let dark = metal.times(0.6)
        let light = metal.mixed(Colour(1, 1, 1), 0.35)
        c.rectangle(0.485, 0.02, 0.03, 0.1, dark)
        c.ellipse(0.5, 0.03, 0.045, 0.032, Colour(0xE8453C))
        c.rectangle(0.3, 0.84, 0.13, 0.13, dark)
        c.rectangle(0.57, 0.84, 0.13, 0.13, dark)
        c.roundedRectangle(0.24, 0.94, 0.22, 0.06, radius: 0.025, dark.times(0.8))
        c.roundedRectangle(0.54, 0.94, 0.22, 0.06, radius: 0.025, dark.times(0.8))
        c.roundedRectangle(0.02, 0.54, 0.13, 0.28, radius: 0.055, dark)
        c.roundedRectangle(0.85, 0.54, 0.13, 0.28, radius: 0.055, dark)
        c.roundedRectangle(0.17, 0.51, 0.66, 0.36, radius: 0.05, metal)
        c.roundedRectangle(0.3, 0.57, 0.4, 0.2, radius: 0.03, light)
        c.ellipse(0.4, 0.64, 0.04, 0.03, Colour(0xE8453C))
        c.ellipse(0.5, 0.64, 0.04, 0.03, Colour(0xF5C33B))
        c.ellipse(0.6, 0.64, 0.04, 0.03, Colour(0x4CB35A))
        c.rectangle(0.36, 0.71, 0.28, 0.025, dark)
        c.rectangle(0.42, 0.46, 0.16, 0.07, dark)
        c.roundedRectangle(0.1, 0.24, 0.08, 0.12, radius: 0.03, Colour(0xE8453C))
        c.roundedRectangle(0.82, 0.24, 0.08, 0.12, radius: 0.03, Colour(0xE8453C))
        c.roundedRectangle(0.16, 0.11, 0.68, 0.37, radius: 0.07, metal)
        c.roundedRectangle(0.19, 0.13, 0.62, 0.07, radius: 0.03, light)
        for x in [0.34, 0.66] {
            c.ellipse(x, 0.27, 0.095, 0.068, Colour(0xFFFFFF))
            c.ellipse(x, 0.27, 0.055, 0.04, Colour(0x1F6FD0))
            c.ellipse(x, 0.27, 0.025, 0.018, Colour(0x10203A))
        }
        c.roundedRectangle(0.32, 0.38, 0.36, 0.05, radius: 0.02, Colour(0x2E353D))
        for x in [0.4, 0.49, 0.58] { c.rectangle(x, 0.38, 0.02, 0.05, light) }
    }

    private func drawCalculator(_ c: Canvas, body: Colour) {
        c.roundedRectangle(0.04, 0.01, 0.92, 0.98, radius: 0.08, body.times(0.65))
        c.roundedRectangle(0.07, 0.02, 0.86, 0.94, radius: 0.07, body)
        c.roundedRectangle(0.15, 0.08, 0.7, 0.2, radius: 0.03, Colour(0x27332B))
        c.roundedRectangle(0.17, 0.095, 0.66, 0.17, radius: 0.025, Colour(0xC4DBB0))
        for (i, x) in [0.5, 0.6, 0.7].enumerated() {
            c.rectangle(x, 0.13, 0.06, 0.1, Colour(0x2C3B2C), alpha: i == 1 ? 0.75 : 0.95)
        }
        for row in 0..<4 {
            for column in 0..<4 {
                let colour =
                    column == 3 ? Colour(0xF39A2B) : row == 0 ? Colour(0xC3CAD2) : Colour(0xF6F4EF)
                c.roundedRectangle(
                    0.14 + Double(column) * 0.185, 0.34 + Double(row) * 0.15, 0.155, 0.115, radius: 0.03, colour)
            }
        }
    }

    private func drawHotAirBalloon(_ c: Canvas, cloth: Colour) {
        let bands = [cloth, Colour(0xFBF3E0), cloth, Colour(0xF6C445), cloth, Colour(0xFBF3E0), cloth]
        for (i, colour) in bands.enumerated() {
            // Seen from the side the gores stand closer towards the rim.
            let t = Double(i) / Double(bands.count - 1) * 2 - 1
            let left = 0.5 + (t - 1 / 6.0) * 0.52
            let right = 0.5 + (t + 1 / 6.0) * 0.52
            c.fill(colour.times(1 - 0.14 * abs(t))) {
                c.move(0.5, 0.0)
                c.curve((max(0, min(1, left)), 0.02), (max(0, min(1, left)), 0.42), (0.5 + (t - 1 / 6.0) * 0.16, 0.72))
                c.line(0.5 + (t + 1 / 6.0) * 0.16, 0.72)
                c.curve((max(0, min(1, right)), 0.42), (max(0, min(1, right)), 0.02), (0.5, 0.0))
            }
        }
        c.stroke([(0.36, 0.72), (0.41, 0.86)], width: 0.015, Colour(0x5A4632))
        c.stroke([(0.64, 0.72), (0.59, 0.86)], width: 0.015, Colour(0x5A4632))
        c.roundedRectangle(0.38, 0.85, 0.24, 0.15, radius: 0.03, Colour(0xA06A36))
        c.rectangle(0.37, 0.85, 0.26, 0.04, Colour(0x7C4E26))
    }
}

/// A sitting body in the unit square, below where the head goes.
func drawSeatedBody(on c: Canvas, coat: Colour, chest: Colour) {
    let dark = coat.times(0.78)
    c.fill(dark) {
        c.move(0.7, 0.95)
        c.curve((1.02, 1.0), (1.05, 0.7), (0.88, 0.56))
        c.curve((0.92, 0.74), (0.84, 0.8), (0.66, 0.82))
        c.close()
    }
    c.ellipse(0.26, 0.88, 0.15, 0.12, dark)
    c.ellipse(0.74, 0.88, 0.15, 0.12, dark)
    c.fill(coat) {
        c.move(0.32, 0.5)
        c.curve((0.16, 0.72), (0.16, 0.98), (0.34, 0.99))
        c.line(0.66, 0.99)
        c.curve((0.84, 0.98), (0.84, 0.72), (0.68, 0.5))
        c.close()
    }
    c.ellipse(0.5, 0.74, 0.15, 0.2, chest)
    c.ellipse(0.38, 0.965, 0.11, 0.035, coat.times(0.9))
    c.ellipse(0.62, 0.965, 0.11, 0.035, coat.times(0.9))
}

/// Where the head sits on a seated body.
let seatedHead = SceneDescription.Box(x: 0.06, y: 0, width: 0.88, height: 0.62)

/// Clothes, drawn in the wearer's unit square; `aspect` is the wearer's width over height.
func draw(_ worn: SceneDescription.Worn, on c: Canvas, figure: Subject.Figure, aspect: Double, artwork: Artwork) {
    let w = figure.headWidth
    let tall = w * aspect
    switch worn.garment {
    case .bowTie:
        let colour = worn.colour?.colour ?? Colour(0xD3293A)
        let half = w * 0.36
        let rise = half * aspect * 0.62
        let x = figure.neckX
        let y = figure.neckY
        c.polygon([(x, y), (x - half, y - rise), (x - half, y + rise)], colour)
        c.polygon([(x, y), (x + half, y - rise), (x + half, y + rise)], colour)
        c.polygon([(x, y), (x - half, y + rise * 0.2), (x - half, y + rise)], colour.times(0.75))
        c.polygon([(x, y), (x + half, y + rise * 0.2), (x + half, y + rise)], colour.times(0.75))
        c.ellipse(x, y, half * 0.24, half * 0.28 * aspect, colour.times(0.65))
    case .partyHat:
        let colour = worn.colour?.colour ?? Colour(0x8A45C4)
        let half = w * 0.24
        let height = tall * 0.56
        let x = figure.headX
        let base = figure.headY + tall * 0.1
        c.polygon([(x - half, base), (x, base - height), (x + half, base)], colour)
        c.polygon([(x + half * 0.2, base), (x, base - height), (x + half, base)], colour.times(0.82))
        for (dx, dy) in [(-0.42, 0.16), (0.12, 0.3), (0.5, 0.12), (-0.1, 0.52), (0.14, 0.68)] {
            c.ellipse(x + dx * half, base - dy * height, half * 0.14, half * 0.14 * aspect, Colour(0xFFF3B0))
        }
        c.ellipse(x, base - height, half * 0.3, half * 0.3 * aspect, Colour(0xFFD94A))
    case .topHat, .crown:
        guard let cutOut = artwork.cutOut(worn.garment == .topHat ? "🎩" : "👑") else { return }
        let width = w * 0.72
        let height = width * aspect / cutOut.aspect
        c.inside(
            .init(x: figure.headX - width / 2, y: figure.headY + tall * 0.14 - height, width: width, height: height)
        ) {
            c.draw(cutOut)
        }
    }
}
