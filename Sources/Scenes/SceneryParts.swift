import Foundation

/// The sky and the parts that places are built from.
extension Scenery {
    mutating func paintSky() {
        let l = light
        let h = stage.horizon
        canvas.verticalGradient(from: 0, to: 1, [(0, l.zenith), (h * 0.62, l.middle), (h, l.horizon), (1, l.horizon)])
        let lamp = stage.lamp
        switch l.light {
        case .day:
            canvas.glow(lamp.x, lamp.y, lamp.radius * 3.2, lamp.radius * 3.2, Colour(0xFFF6C8), alpha: 0.9)
            canvas.ellipse(lamp.x, lamp.y, lamp.radius, lamp.radius, Colour(0xFFF2A0))
            for _ in 0..<(1 + random.below(4)) { cloud(Colour(1, 1, 1), alpha: 0.9) }
        case .sunset:
            canvas.glow(lamp.x, lamp.y, 0.75, 0.42, Colour(0xFFD27A), alpha: 0.85)
            canvas.glow(lamp.x, lamp.y, lamp.radius * 2.2, lamp.radius * 2.2, Colour(0xFFF0B0), alpha: 0.8)
            canvas.ellipse(lamp.x, lamp.y, lamp.radius, lamp.radius, Colour(0xFFF3BE))
            for _ in 0..<(2 + random.below(4)) {
                cloud(Colour(0xF9A27A).mixed(Colour(0xB0507A), random.unit()), alpha: 0.6, flat: true)
            }
        case .moonlight:
            for _ in 0..<60 {
                let y = random.unit() * h
                let r = random.uniform(0.0022, 0.0055)
                canvas.ellipse(
                    random.unit(), y * 0.95, r, r, Colour(0xFFFBE6), alpha: random.uniform(0.35, 1) * (1 - 0.4 * y / h))
            }
            for _ in 0..<random.below(3) { cloud(Colour(0x4A5E96), alpha: 0.4, flat: true) }
            canvas.glow(lamp.x, lamp.y, lamp.radius * 4.5, lamp.radius * 4.5, Colour(0xA9C1FF), alpha: 0.55)
            canvas.ellipse(lamp.x, lamp.y, lamp.radius, lamp.radius, Colour(0xFBF6DC))
            for (dx, dy, r) in [(-0.3, -0.2, 0.22), (0.25, 0.3, 0.18), (0.32, -0.32, 0.12), (-0.2, 0.42, 0.13)] {
                canvas.ellipse(
                    lamp.x + dx * lamp.radius, lamp.y + dy * lamp.radius, r * lamp.radius, r * lamp.radius,
                    Colour(0xDDD8C0), alpha: 0.8)
            }
        case .fog:
            break
        }
    }

    /// Banks of fog over everything behind the subjects.
    mutating func paintFog() {
        guard light.light == .fog else { return }
        for _ in 0..<7 {
            let y = random.uniform(stage.horizon - 0.2, 0.98)
            canvas.glow(
                random.unit(), y, random.uniform(0.4, 0.8), random.uniform(0.05, 0.11), Colour(0xE6EAEC), alpha: 0.75)
        }
    }

    /// What falls in front of everything.
    mutating func paintFalling() {
        if stage.place == .snow {
            for _ in 0..<46 {
                let r = random.uniform(0.003, 0.008)
                canvas.ellipse(
                    random.unit(), random.unit(), r, r, light.lit(Colour(1, 1, 1)).mixed(Colour(1, 1, 1), 0.5),
                    alpha: 0.85)
            }
        } else if season == .autumn {
            for _ in 0..<12 {
                let colour = light.lit(leaves())
                canvas.ellipse(
                    random.unit(), random.uniform(0.05, 0.9), 0.011, 0.006, colour, turned: random.uniform(0, 3.1))
            }
        }
    }

    /// A column of light on the water under the sun or moon.
    mutating func glitter(from top: Double, to bottom: Double) {
        guard light.light == .sunset || light.light == .moonlight else { return }
        let colour = light.light == .sunset ? Colour(0xFFE9A8) : Colour(0xF2F0DC)
        canvas.clipped(0, top, 1, bottom - top) {
            canvas.glow(stage.lamp.x, top, 0.16, (bottom - top) * 1.1, colour, alpha: 0.55)
        }
        for _ in 0..<26 {
            let t = random.unit()
            let y = top + 0.01 + t * (bottom - top)
            let x = stage.lamp.x + random.uniform(-1, 1) * (0.02 + 0.07 * t)
            canvas.ellipse(x, y, random.uniform(0.012, 0.02 + 0.035 * t), 0.003 + 0.005 * t, colour, alpha: 0.75)
        }
    }

    // MARK: lines of the land

    /// A jagged line of `peaks` mountains over `base`.
    mutating func ridge(base: Double, height: Double, roughness: Double, peaks: Int) -> [Canvas.Point] {
        let phase = random.uniform(0, 6.28)
        let spacing = 1 / Double(peaks)
        var tops: [Canvas.Point] = []
        for i in 0...peaks + 1 {
            let x = (Double(i) - 0.5 + random.uniform(-0.25, 0.25)) * spacing
            tops.append((x, random.uniform(0.6, 1)))
        }
        return stride(from: -0.02, through: 1.021, by: 0.02).map { x -> Canvas.Point in
            var rise = 0.0
            for top in tops { rise = max(rise, top.y * (1 - abs(x - top.x) / spacing * 0.85)) }
            let smooth = roughness < 0.6 ? rise * rise * (3 - 2 * rise) : rise
            let noise = roughness * (0.06 * sin(x * 31 + phase) + 0.035 * sin(x * 67 + phase * 2))
            let above = max(0, smooth + noise * min(1, rise * 2))
            return (x, base - height * (0.12 + 0.88 * above))
        }
    }

    func closed(_ line: [Canvas.Point], to y: Double) -> [Canvas.Point] {
        guard let first = line.first, let last = line.last else { return [] }
        return line + [(last.x, y), (first.x, y)]
    }

    mutating func hill(_ y: Double, _ swing: Double, _ colour: Colour) {
        let phase = random.uniform(0, 6.28)
        let wave = random.uniform(3, 6)
        let line = stride(from: -0.02, through: 1.02, by: 0.04).map { (x: $0, y: y + swing * sin($0 * wave + phase)) }
        canvas.polygon(closed(line, to: 1.02), colour)
    }

    mutating func meadowGround(_ y: Double) {
        hill(y, 0.018, light.lit(grass, at: 0.22))
        canvas.verticalGradient(
            from: y + 0.03, to: 1, [(0, light.lit(grass, at: 0.18)), (1, light.lit(grass.mixed(darkGrass, 0.55)))])
        tufts(from: y + 0.05, count: 34)
    }

    mutating func tufts(from y: Double, count: Int) {
        for _ in 0..<count {
            let at = random.uniform(y, 1)
            let x = random.unit()
            let r = 0.006 + (at - y) * 0.03
            let colour = light.lit(random.chance(0.5) ? darkGrass : grass.mixed(Colour(0xE8E27A), 0.3))
            canvas.polygon(
                [(x - r, at), (x - r * 0.6, at - r * 2), (x, at - r * 0.6), (x + r * 0.5, at - r * 2.2), (x + r, at)],
                colour, alpha: 0.8)
        }
    }

    mutating func fallenLeaves(_ count: Int) {
        for _ in 0..<count {
            let y = random.uniform(stage.horizon + 0.1, 1)
            let r = 0.004 + (y - stage.horizon) * 0.018
            canvas.ellipse(random.unit(), y, r, r * 0.55, light.lit(leaves()), turned: random.uniform(-0.6, 0.6))
        }
    }

    // MARK: things

    mutating func cloud(_ colour: Colour, alpha: Double, flat: Bool = false) {
        let x = random.unit()
        let y = random.uniform(0.04, stage.horizon * 0.6)
        let w = random.uniform(0.06, 0.13)
        for _ in 0..<5 {
            let dx = random.uniform(-w, w)
            let r = w * random.uniform(0.3, 0.5)
            canvas.ellipse(
                x + dx, y - (flat ? 0 : (w - abs(dx)) * 0.25), r * (flat ? 2.2 : 1.2), r * (flat ? 0.22 : 0.75), colour,
                alpha: alpha * (flat ? 0.6 : 0.85))
        }
    }

    mutating func plant(_ pine: Bool, x: Double, y: Double, height: Double, colour: Colour, distance: Double) {
        canvas.rectangle(
            x - height * 0.035, y - height * 0.4, height * 0.07, height * 0.4, light.lit(Colour(0x6B4A2F), at: distance)
        )
        if pine {
            let needles = light.lit(Colour(0x2E6B43).mixed(Colour(0x24573C), random.unit()), at: distance)
            for (i, top) in [0.0, 0.24, 0.48].enumerated() {
                let half = height * (0.15 + 0.07 * Double(i))
                canvas.polygon(
                    [
                        (x, y - height * (1 - top)), (x - half, y - height * (0.6 - top * 0.92)),
                        (x + half, y - height * (0.6 - top * 0.92)),
                    ], needles.times(1 - 0.07 * Double(2 - i)))
                canvas.polygon(
                    [
                        (x, y - height * (1 - top)), (x + half * 0.2, y - height * (0.6 - top * 0.92)),
                        (x + half, y - height * (0.6 - top * 0.92)),
                    ], needles.times(0.75), alpha: 0.6)
            }
        } else {
            let leaf = light.lit(colour, at: distance)
            for (dx, dy, r, shade) in [
                (0.0, 0.55, 0.27, 0.8), (-0.17, 0.58, 0.2, 0.9), (0.18, 0.6, 0.2, 0.78), (0.02, 0.76, 0.23, 1.0),
                (-0.08, 0.7, 0.15, 1.12),
            ] {
                canvas.ellipse(x + dx * height, y - dy * height, r * height, r * height, leaf.times(shade))
            }
        }
    }

    mutating func snowyPine(x: Double, y: Double, height: Double, distance: Double) {
        plant(true, x: x, y: y, height: height, colour: Colour(0x2E6B43), distance: distance)
        let snow = light.lit(Colour(0xF4F8FD), at: distance * 0.6)
        for (i, top) in [0.0, 0.24, 0.48].enumerated() {
            let half = height * (0.08 + 0.045 * Double(i))
            let apex = y - height * (1 - top)
            canvas.polygon(
                [
                    (x, apex), (x - half, apex + height * 0.2), (x - half * 0.3, apex + height * 0.15),
                    (x + half * 0.2, apex + height * 0.2), (x + half * 0.8, apex + height * 0.16),
                ], snow)
        }
    }

    mutating func palm(x: Double, y: Double, height: Double, lean: Double) {
        let top = (x: x + lean, y: y - height)
        let trunk = light.lit(Colour(0x8A6238), at: 0.1)
        canvas.polygon(
            [
                (x - 0.018, y), (x + lean * 0.4 - 0.013, y - height * 0.5), (top.x - 0.01, top.y),
                (top.x + 0.01, top.y), (x + lean * 0.4 + 0.013, y - height * 0.5), (x + 0.018, y),
            ], trunk)
        let frond = light.lit(Colour(0x3A8A3E), at: 0.1)
        for angle in [-2.9, -2.3, -1.6, -0.85, -0.25, 0.35, 2.8] {
            let dx = cos(angle) * 0.16
            let dy = sin(angle) * 0.1
            canvas.fill(angle > -1.6 ? frond : frond.times(0.85)) {
                canvas.move(top.x, top.y)
                canvas.curve(
                    (top.x + dx * 0.5, top.y + dy - 0.04), (top.x + dx, top.y + dy),
                    (top.x + dx * 1.1, top.y + dy + 0.07))
                canvas.curve(
                    (top.x + dx * 0.8, top.y + dy + 0.02), (top.x + dx * 0.4, top.y + dy * 0.5 + 0.03),
                    (top.x, top.y + 0.015))
            }
        }
    }

    mutating func cactus(x: Double, y: Double, height: Double) {
        let green = light.lit(Colour(0x4C8A48), at: 0.3)
        let w = height * 0.2
        canvas.roundedRectangle(x - w / 2, y - height, w, height, radius: w / 2, green)
        canvas.roundedRectangle(x - w * 1.7, y - height * 0.72, w * 0.65, height * 0.36, radius: w * 0.32, green)
        canvas.rectangle(x - w * 1.5, y - height * 0.46, w * 1.4, w * 0.55, green)
        canvas.roundedRectangle(x + w * 1.05, y - height * 0.84, w * 0.65, height * 0.4, radius: w * 0.32, green)
        canvas.rectangle(x + w * 0.2, y - height * 0.54, w * 1.3, w * 0.55, green)
    }

    mutating func rock(_ x: Double, _ y: Double) {
        let r = 0.012 + (y - stage.horizon) * 0.07
        let stone = light.lit(Colour(0x8B8F98), at: 0.1)
        canvas.polygon(
            [(x - r, y), (x - r * 0.7, y - r * 0.8), (x, y - r), (x + r * 0.8, y - r * 0.5), (x + r, y)], stone)
        canvas.polygon([(x, y), (x + r * 0.1, y - r * 0.9), (x + r * 0.8, y - r * 0.5), (x + r, y)], stone.times(0.78))
    }

    mutating func building(_ x: Double, _ y: Double, _ w: Double, _ h: Double, distance: Double, row: Int) {
        let walls: [UInt32] = [0x8A94A6, 0xA89080, 0x9B7F70, 0x7C8798, 0xB3A58F, 0x6F7B90]
        let wall = light.lit(Colour(walls[random.below(walls.count)]), at: distance)
        canvas.rectangle(x, y, w, h + 0.01, wall)
        canvas.rectangle(x + w * 0.82, y, w * 0.18, h + 0.01, wall.times(0.82))
        if row == 0, random.chance(0.4) { canvas.rectangle(x + w * 0.45, y - 0.05, w * 0.06, 0.05, wall) }
        let columns = 3
        let rows = max(2, Int(h / 0.045))
        let night = light.light == .moonlight
        let dusk = light.light == .sunset
        for j in 0..<rows {
            for i in 0..<columns {
                let lit = random.unit() < (night ? 0.55 : dusk ? 0.3 : 0)
                let colour =
                    lit
                    ? Colour(0xFFD977).mixed(light.haze, night ? 0.2 * distance : 0.3 * distance)
                    : night ? wall.times(0.6) : light.lit(Colour(0x55708A), at: distance)
                canvas.rectangle(
                    x + w * (0.12 + 0.29 * Double(i)), y + h * (Double(j) + 0.25) / Double(rows), w * 0.17,
                    h * 0.5 / Double(rows), colour, alpha: lit ? 1 : 0.8)
            }
        }
    }
}
