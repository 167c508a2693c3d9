import Foundation

/// Paints a place in a light: sky, what stands far away, and the ground.
struct Scenery {
    let canvas: Canvas
    let stage: Stage
    let season: Season
    let light: Illumination
    var random: SceneRandom

    mutating func paint() {
        paintSky()
        switch stage.place {
        case .lake: paintLake()
        case .mountains: paintMountains()
        case .forest: paintForest()
        case .beach: paintBeach()
        case .desert: paintDesert()
        case .snow: paintSnow()
        case .city: paintCity()
        case .meadow: paintMeadow()
        }
    }

    // MARK: surfaces, as they are in white light

    var grass: Colour { season == .autumn ? Colour(0xB79A42) : Colour(0x66AE41) }
    var darkGrass: Colour { season == .autumn ? Colour(0x8F6F30) : Colour(0x3F7F35) }

    mutating func leaves() -> Colour {
        let colours: [UInt32] =
            season == .autumn
            ? [0xE07B1F, 0xD2491F, 0xEFB02B, 0xB8341F, 0xE8922A] : [0x3F8B3A, 0x4E9C3F, 0x357A38, 0x5BA845]
        return Colour(colours[random.below(colours.count)])
    }

    // MARK: places

    private mutating func paintLake() {
        let h = stage.horizon
        let l = light
        let far = ridge(base: h, height: random.uniform(0.12, 0.2), roughness: 0.5, peaks: 3)
        let near = ridge(base: h, height: random.uniform(0.04, 0.08), roughness: 0.25, peaks: 5)
        let farColour = l.lit(Colour(0x6F7F9A), at: 0.75)
        let nearColour = l.lit(season == .autumn ? Colour(0xA8642C) : Colour(0x3E6F48), at: 0.5)
        canvas.polygon(closed(far, to: h), farColour)
        canvas.polygon(closed(near, to: h), nearColour)
        let treeline = (0..<11).map { _ in
            (
                x: random.uniform(-0.03, 1.03), size: random.uniform(0.05, 0.1),
                pine: random.chance(season == .autumn ? 0.25 : 0.6), colour: leaves()
            )
        }
        for tree in treeline {
            plant(tree.pine, x: tree.x, y: h + 0.005, height: tree.size, colour: tree.colour, distance: 0.45)
        }
        // Water mirrors the sky from the horizon down, darkened by its own colour.
        let body = l.lit(Colour(0x2E6F96), at: 0.1)
        canvas.verticalGradient(
            from: h, to: 1,
            [(0, l.horizon.mixed(body, 0.3)), (0.4, l.middle.mixed(body, 0.45)), (1, l.zenith.mixed(body, 0.55))])
        canvas.polygon(closed(far.map { ($0.x, 2 * h - $0.y) }, to: h), farColour, alpha: 0.45)
        canvas.polygon(closed(near.map { ($0.x, 2 * h - $0.y) }, to: h), nearColour.times(0.85), alpha: 0.6)
        for tree in treeline {
            canvas.ellipse(
                tree.x, h + tree.size * 0.5, tree.size * 0.3, tree.size * 0.55, l.lit(tree.colour, at: 0.5).times(0.8),
                alpha: 0.5)
        }
        glitter(from: h, to: stage.shore)
        for _ in 0..<26 {
            let y = random.uniform(h + 0.02, stage.shore)
            let w = 0.02 + (y - h) * random.uniform(0.1, 0.3)
            let x = random.unit()
            canvas.ellipse(
                x, y, w, 0.0028 + (y - h) * 0.006,
                random.chance(0.6) ? l.horizon.mixed(Colour(1, 1, 1), 0.15) : body.times(0.7), alpha: 0.35)
        }
        if let spit = stage.spit { paintSpit(spit) }
        paintShore()
    }

    private mutating func paintSpit(_ spit: (tip: Double, fromLeft: Bool, y: Double)) {
        let earth = light.lit(Colour(0x7A5B3A), at: 0.3)
        let turf = light.lit(grass, at: 0.3)
        func at(_ t: Double) -> Double { spit.fromLeft ? t * spit.tip : 1 - t * (1 - spit.tip) }
        for (dy, colour, inset) in [
            (0.028, light.lit(Colour(0x2E6F96), at: 0.1).times(0.55), 0.02), (0.014, earth, 0.0), (0.0, turf, -0.015),
        ] {
            canvas.fill(colour, alpha: dy > 0.02 ? 0.5 : 1) {
                canvas.move(at(-0.1), spit.y - 0.045)
                canvas.curve((at(0.4), spit.y - 0.06), (at(0.8), spit.y - 0.04), (at(1 + inset), spit.y + 0.005 + dy))
                canvas.curve(
                    (at(0.8), spit.y + 0.03 + dy), (at(0.3), spit.y + 0.025 + dy), (at(-0.1), spit.y + 0.04 + dy))
                canvas.close()
            }
        }
        let edge = at(0.06)
        plant(
            random.chance(0.5), x: edge, y: spit.y - 0.02, height: random.uniform(0.2, 0.3), colour: leaves(),
            distance: 0.25)
    }

    private mutating func paintShore() {
        let s = stage.shore
        let phase = random.uniform(0, 6.28)
        let turf = light.lit(grass)
        func bank(_ lift: Double) -> [Canvas.Point] {
            stride(from: -0.02, through: 1.02, by: 0.04).map {
                ($0, s + lift + 0.018 * sin($0 * 5 + phase) + 0.008 * sin($0 * 13 + phase))
            }
        }
        canvas.polygon(closed(bank(-0.014), to: 1.02), light.lit(Colour(0x8A6B45)))
        canvas.polygon(closed(bank(0), to: 1.02), turf)
        canvas.polygon(closed(bank(0.06), to: 1.02), light.lit(grass.mixed(darkGrass, 0.45)))
        tufts(from: s + 0.03, count: 22)
        for _ in 0..<random.below(7) {
            let x = random.unit()
            let y = s + 0.01
            canvas.stroke(
                [(x, y), (x + random.uniform(-0.01, 0.01), y - random.uniform(0.04, 0.08))], width: 0.008,
                light.lit(darkGrass))
        }
    }

    private mutating func paintMountains() {
        let h = stage.horizon
        for (i, height) in [0.36, 0.26].enumerated() {
            let distance = i == 0 ? 0.62 : 0.4
            let line = ridge(
                base: h + 0.02, height: height * random.uniform(0.9, 1.15), roughness: 1, peaks: i == 0 ? 2 : 3)
            let rock = light.lit(Colour(i == 0 ? 0x6D7A94 : 0x5A6478), at: distance)
            canvas.polygon(closed(line, to: h + 0.05), rock)
            // Snow lies above a wavering line on every peak.
            let snowline = h - height * 0.55
            let cap = line.map { p -> Canvas.Point in
                (p.x, max(p.y, min(snowline + 0.05 * sin(p.x * 47 + Double(i)), h)))
            }
            canvas.polygon(line + cap.reversed(), light.lit(Colour(0xF7FAFF), at: distance * 0.6))
            for (a, b) in zip(line, line.dropFirst()) where b.y > a.y {
                canvas.polygon(
                    [(a.x, a.y), (b.x, b.y), (b.x, min(h, b.y + 0.12)), (a.x, min(h, a.y + 0.12))], rock.times(0.75),
                    alpha: 0.22)
            }
        }
        hill(h - 0.02, 0.05, light.lit(season == .autumn ? Colour(0xA5672E) : Colour(0x47764A), at: 0.3))
        for _ in 0..<10 {
            plant(
                season != .autumn || random.chance(0.4), x: random.unit(), y: h + random.uniform(0, 0.05),
                height: random.uniform(0.06, 0.11), colour: leaves(), distance: 0.25)
        }
        meadowGround(h + 0.03)
        for _ in 0..<4 { rock(random.unit(), random.uniform(h + 0.12, 0.98)) }
    }

    private mutating func paintForest() {
        let h = stage.horizon
        canvas.verticalGradient(
            from: h - 0.3, to: h + 0.05,
            [(0, light.middle.mixed(light.lit(leaves(), at: 0.7), 0.55)), (1, light.lit(darkGrass, at: 0.75))])
        canvas.verticalGradient(
            from: h, to: 1,
            [
                (0, light.lit(darkGrass, at: 0.4)), (0.35, light.lit(grass.mixed(darkGrass, 0.5), at: 0.1)),
                (1, light.lit(darkGrass.times(0.85))),
            ])
        for (rows, distance, height) in [(13, 0.6, 0.36), (9, 0.35, 0.5), (6, 0.12, 0.72)] {
            for i in 0..<rows {
                let x = (Double(i) + random.uniform(0.1, 0.9)) / Double(rows)
                // The nearest trees leave a clearing in the middle for whoever comes.
                if distance < 0.2, abs(x - 0.5) < 0.33 { continue }
                // Nor does a tree stand before sun or moon.
                if distance < 0.5, light.light != .fog, abs(x - stage.lamp.x) < stage.lamp.radius + height * 0.22 {
                    continue
                }
                plant(
                    random.chance(season == .autumn ? 0.15 : 0.55), x: x, y: h + (1 - distance) * 0.1,
                    height: height * random.uniform(0.8, 1.15), colour: leaves(), distance: distance)
            }
        }
        tufts(from: h + 0.12, count: 30)
        if season == .autumn { fallenLeaves(40) }
    }

    private mutating func paintBeach() {
        let h = stage.horizon
        let s = stage.shore
        let l = light
        let body = l.lit(Colour(0x1F8DB8), at: 0.1)
        canvas.verticalGradient(
            from: h, to: s + 0.02,
            [(0, body.mixed(l.horizon, 0.25).times(0.9)), (1, body.mixed(l.lit(Colour(0x8FD8DA)), 0.5))])
        glitter(from: h, to: s)
        for _ in 0..<14 {
            let y = random.uniform(h + 0.02, s - 0.02)
            canvas.ellipse(random.unit(), y, random.uniform(0.03, 0.1), 0.004, l.lit(Colour(0xE6F7FA)), alpha: 0.5)
        }
        let phase = random.uniform(0, 6.28)
        func edge(_ lift: Double) -> [Canvas.Point] {
            stride(from: -0.02, through: 1.02, by: 0.04).map { ($0, s + lift + 0.014 * sin($0 * 7 + phase)) }
        }
        canvas.polygon(closed(edge(-0.02), to: 1.02), l.lit(Colour(0xF8FCFC)))
        canvas.polygon(closed(edge(0), to: 1.02), l.lit(Colour(0xCFAE74)))
        canvas.polygon(closed(edge(0.035), to: 1.02), l.lit(Colour(0xF0D79B)))
        for _ in 0..<30 {
            canvas.ellipse(
                random.unit(), random.uniform(s + 0.06, 1), 0.006, 0.004, l.lit(Colour(0xC9A468)), alpha: 0.8)
        }
        if random.chance(0.6) {
            let left = stage.lamp.x > 0.5
            palm(
                x: left ? random.uniform(0.03, 0.1) : random.uniform(0.9, 0.97), y: s + 0.1,
                height: random.uniform(0.5, 0.62), lean: left ? 0.07 : -0.07)
        }
    }

    private mutating func paintDesert() {
        let h = stage.horizon
        for _ in 0..<2 {
            let x = random.uniform(0.05, 0.85)
            let w = random.uniform(0.1, 0.22)
            let top = h - random.uniform(0.08, 0.16)
            let stone = light.lit(Colour(0xB4603A), at: 0.55)
            canvas.polygon(
                [(x - w * 0.62, h + 0.02), (x - w * 0.42, top), (x + w * 0.42, top), (x + w * 0.62, h + 0.02)], stone)
            canvas.polygon(
                [(x + w * 0.1, top), (x + w * 0.42, top), (x + w * 0.62, h + 0.02), (x + w * 0.2, h + 0.02)],
                stone.times(0.8))
        }
        for i in 0..<4 {
            let t = Double(i) / 3
            let y = h + t * 0.24
            let phase = random.uniform(0, 6.28)
            let sand = light.lit(Colour(0xE9B765).mixed(Colour(0xD89A4C), t), at: 0.5 * (1 - t))
            let crest = stride(from: -0.02, through: 1.02, by: 0.03).map {
                (x: $0, y: y + (0.02 + 0.025 * t) * sin($0 * (6 - t * 2) + phase))
            }
            canvas.polygon(closed(crest, to: 1.02), sand)
            canvas.polygon(
                crest + crest.reversed().map { ($0.x + 0.03, $0.y + 0.05 + 0.02 * t) }, sand.times(0.88), alpha: 0.5)
        }
        for _ in 0..<(1 + random.below(3)) {
            let x = random.chance(0.5) ? random.uniform(0.03, 0.2) : random.uniform(0.8, 0.97)
            cactus(x: x, y: random.uniform(h + 0.06, h + 0.16), height: random.uniform(0.12, 0.2))
        }
    }

    private mutating func paintSnow() {
        let h = stage.horizon
        canvas.polygon(
            closed(ridge(base: h, height: 0.18, roughness: 0.7, peaks: 3), to: h + 0.05),
            light.lit(Colour(0xC6D6EA), at: 0.6))
        for i in 0..<9 {
            snowyPine(
                x: (Double(i) + random.unit()) / 9, y: h + random.uniform(0.01, 0.04),
                height: random.uniform(0.1, 0.22), distance: 0.4)
        }
        for i in 0..<3 {
            let t = Double(i) / 2
            hill(
                h + t * 0.16, 0.035,
                light.lit(Colour(0xDDE8F5).mixed(Colour(0xFAFCFF), 1 - t * 0.3), at: 0.25 * (1 - t)))
            hill(h + t * 0.16 + 0.05, 0.03, light.lit(Colour(0xF6F9FD), at: 0.2 * (1 - t)))
        }
        snowyPine(x: random.chance(0.5) ? 0.06 : 0.94, y: h + 0.14, height: random.uniform(0.34, 0.45), distance: 0.12)
    }

    private mutating func paintCity() {
        let h = stage.horizon
        for (row, distance) in [0.7, 0.4, 0.15].enumerated() {
            var x = -0.05
            while x < 1.02 {
                let w = random.uniform(0.08, 0.15)
                let tall = random.uniform(0.16, 0.3) + (row == 1 ? 0.04 : row == 0 ? 0.16 : -0.06)
                building(x, h - tall, w, tall, distance: distance, row: row)
                x += w + (row == 2 ? random.uniform(0.005, 0.04) : 0)
            }
        }
        canvas.rectangle(-0.1, h, 1.2, 0.06, light.lit(Colour(0xB9B4AA)))
        canvas.rectangle(-0.1, h + 0.05, 1.2, 0.5, light.lit(Colour(0x6E7078)))
        canvas.rectangle(-0.1, h + 0.05, 1.2, 0.012, light.lit(Colour(0x8F8D88)))
        let y = h + (1 - h) * 0.6
        for i in -1..<6 {
            let x = Double(i) * 0.22 + 0.06
            canvas.polygon(
                [(x, y), (x + 0.11, y), (x + 0.1, y + 0.02), (x - 0.015, y + 0.02)], light.lit(Colour(0xF2EBD2)))
        }
    }

    private mutating func paintMeadow() {
        let h = stage.horizon
        hill(h - 0.05, 0.06, light.lit(grass.mixed(darkGrass, 0.6), at: 0.6))
        for _ in 0..<6 {
            plant(
                false, x: random.unit(), y: h + 0.0, height: random.uniform(0.07, 0.15), colour: leaves(),
                distance: 0.45)
        }
        hill(h, 0.04, light.lit(grass.mixed(darkGrass, 0.25), at: 0.4))
        meadowGround(h + 0.05)
        let petals: [UInt32] =
            season == .autumn ? [0xD2691E, 0xB5402A, 0xE3B23C] : [0xFFFFFF, 0xFFD84A, 0xF27FB2, 0xE8453C, 0xB07CE0]
        for _ in 0..<46 {
            let y = h + 0.08 + pow(random.unit(), 0.7) * (0.94 - h)
            let r = 0.004 + (y - h) * 0.018
            canvas.ellipse(random.unit(), y, r, r * 0.8, light.lit(Colour(petals[random.below(petals.count)])))
        }
        if season == .autumn { fallenLeaves(16) }
    }
}
