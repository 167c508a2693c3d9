import Images

/// Paints a composed scene: the place in its light, the subjects graded to it, the style over the whole.
struct Painter {
    let size: Int
    let artwork: Artwork

    /// - Throws: `SceneError.canvas`.
    func paint(_ scene: SceneDescription, _ stage: Stage, seed: UInt64, index: Int) throws -> Picture {
        var random = SceneRandom(seed: seed, index: index, stream: .subjects)
        let light = Illumination(scene.light, place: scene.place, season: scene.season, variation: random.unit())
        let canvas = try Canvas(size: size)
        var scenery = Scenery(
            canvas: canvas, stage: stage, season: scene.season, light: light,
            random: SceneRandom(seed: seed, index: index, stream: .scenery))
        scenery.paint()
        scenery.paintFog()
        let figures = scene.entities.flatMap { entity in entity.boxes.map { (entity: entity, box: $0) } }
            .sorted { $0.box.maxY < $1.box.maxY }
        let mask = scene.style == .plain ? nil : try Canvas(size: size)
        for (entity, box) in figures {
            guard let subject = Subject.byName[entity.subject] else { continue }
            let layer = try Canvas(size: size)
            let mirrored = subject.mirrors && random.chance(0.5)
            drawSubject(subject, entity, box, mirrored: mirrored, on: layer)
            mask?.lay(layer)
            let distance = subject.habitat == .sky ? 0.35 : stage.distance(box.maxY)
            let reach = SceneDescription.Box(
                x: box.x - 0.1, y: box.y - box.height * 0.4, width: box.width + 0.2, height: box.height * 1.4)
            light.grade(layer, box: reach, at: distance, sunlitFromLeft: stage.lamp.x < box.midX)
            ground(subject, box, layer, on: canvas, stage, light)
            canvas.lay(layer)
            if scene.light == .moonlight, case .drawn(let drawn) = subject.art {
                canvas.inside(box, mirrored: mirrored) { drawn.drawLamps(on: canvas) }
            }
            if subject.habitat == .water { wet(box, on: canvas, light) }
        }
        scenery.paintFalling()

        var raster = Raster(canvas)
        if let mask {
            var random = SceneRandom(seed: seed, index: index, stream: .style)
            let covered = mask.withPixels { $0.map { Float($0 >> 24) / 255 } }
            try scene.style.apply(to: &raster, light: scene.light, stage: stage, mask: covered, &random)
        }
        return try raster.picture()
    }

    private func drawSubject(
        _ subject: Subject, _ entity: SceneDescription.Entity, _ box: SceneDescription.Box, mirrored: Bool,
        on layer: Canvas
    ) {
        layer.inside(box, mirrored: mirrored) {
            switch subject.art {
            case .emoji(let character):
                if let cutOut = artwork.cutOut(character, entity.colour) { layer.draw(cutOut) }
            case .seated(let head, let coat, let chest):
                drawSeatedBody(on: layer, coat: Colour(coat), chest: Colour(chest))
                if let cutOut = artwork.cutOut(head) {
                    let width = min(seatedHead.width, seatedHead.height / subject.aspect(artwork) * cutOut.aspect)
                    let height = width * subject.aspect(artwork) / cutOut.aspect
                    layer.inside(.init(x: 0.5 - width / 2, y: 0.02, width: width, height: height)) {
                        layer.draw(cutOut)
                    }
                }
            case .drawn(let drawn):
                drawn.draw(on: layer, colour: entity.colour)
            }
            guard let figure = subject.figure else { return }
            for worn in entity.wears {
                Scenes.draw(worn, on: layer, figure: figure, aspect: subject.aspect(artwork), artwork: artwork)
            }
        }
    }

    /// What joins a subject to the ground: a contact shadow, or its image in the water.
    private func ground(
        _ subject: Subject, _ box: SceneDescription.Box, _ layer: Canvas, on canvas: Canvas, _ stage: Stage,
        _ light: Illumination
    ) {
        switch subject.habitat {
        case .sky: break
        case .water:
            canvas.clipped(0, box.maxY - 0.02, 1, max(0.01, stage.shore - 0.01 - box.maxY + 0.02)) {
                canvas.layReflected(layer, axis: box.maxY - 0.012, squash: 0.45, alpha: 0.4)
            }
        case .ground:
            let lean =
                light.light == .sunset || light.light == .day ? (stage.lamp.x < box.midX ? 0.08 : -0.08) * box.width : 0
            let dark = Colour(0x0A1020)
            canvas.glow(
                box.midX + lean, box.maxY - 0.008, box.width * 0.62, 0.018 + box.width * 0.085, dark,
                alpha: light.shadow * 1.5)
            if let spit = stage.spit, abs(box.maxY - spit.y) < 0.03 {
                let top = spit.y + 0.04
                canvas.clipped(0, top, 1, max(0.01, stage.shore - 0.01 - top)) {
                    canvas.layReflected(layer, axis: top - 0.02, squash: 0.8, alpha: 0.4)
                }
            }
        }
    }

    /// The waterline over a hull.
    private func wet(_ box: SceneDescription.Box, on canvas: Canvas, _ light: Illumination) {
        let water = light.lit(Colour(0x3E86AE), at: 0.15)
        let foam = light.lit(Colour(0xE3F1F7), at: 0.1)
        canvas.ellipse(box.midX, box.maxY - 0.004, box.width * 0.46, 0.012, water, alpha: 0.75)
        canvas.ellipse(box.midX, box.maxY - 0.012, box.width * 0.42, 0.004, foam, alpha: 0.6)
    }
}

extension Subject {
    /// Whether it may look the other way: what carries writing or a face in the middle does not.
    var mirrors: Bool { if case .emoji = art { true } else { false } }
}
