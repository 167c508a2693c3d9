internal import Datasets
public import Images
internal import Scenes

/// A real scene whose subject is erased, and a prompt that names another.
public struct InpaintingTask: Sendable {
    public let picture: Picture
    /// White where it is to be painted anew.
    public let mask: Picture
    /// The scene with the other subject in the first one's place, as the scenes themselves paint it: what can be reached.
    public let real: Picture
    /// Of the scene with the other subject.
    public let prompt: String
    /// What was there, and what is to be there.
    public let subject, named: String
    /// The prompt, the true caption of what was there, and captions of the same scene with further subjects.
    public let captions: [String]
}

extension PromptSet {
    /// A task for each scene of one subject in which another could stand.
    ///
    /// - Parameters:
    ///   - size: of the pictures, in pixels.
    ///   - margin: around the subject, as a share of the picture's side: shadows and hats are erased too.
    ///   - choices: captions to choose from, at most.
    public func inpaintingTasks(
        size: Int, margin: Double = 0.06, choices: Int = 50, seed: UInt64 = 0
    ) throws -> [InpaintingTask] {
        let alterations = try CaptionAlterations(configuration)
        let scenes = try scenes(size: size)
        return try descriptions.enumerated().compactMap { index, scene in
            guard scene.entities.count == 1 else { return nil }
            var draws = SeededGenerator(seed, UInt64(index))
            let own = draws.next()
            guard let other = draws.pick(alterations.scenes(like: scene, otherIn: .subject)) else { return nil }
            var captions = [alterations.caption(of: other, seed: own), alterations.caption(of: scene, seed: own)]
            for wrong in alterations.altered(other, in: .subject, seed: own) where captions.count < choices {
                if !captions.contains(wrong.caption) { captions.append(wrong.caption) }
            }
            return InpaintingTask(
                picture: try scenes.scene(at: indices[index]).picture,
                mask: try Self.mask(over: scene.entities[0].boxes, size: size, margin: margin),
                real: try scenes.picture(at: indices[index], standIns: [other.entities[0].subject]),
                prompt: captions[0], subject: scene.entities[0].subject, named: other.entities[0].subject,
                captions: captions)
        }
    }

    private static func mask(over boxes: [SceneDescription.Box], size: Int, margin: Double) throws -> Picture {
        func pixels(_ from: Double, _ to: Double) -> Range<Int> {
            let low = max(0, min(size, Int(((from - margin) * Double(size)).rounded(.down))))
            return low..<max(low, min(size, Int(((to + margin) * Double(size)).rounded(.up))))
        }
        var values = [UInt8](repeating: 0, count: 3 * size * size)
        for box in boxes {
            for y in pixels(box.y, box.maxY) {
                for x in pixels(box.x, box.maxX) {
                    for channel in 0..<3 { values[3 * (y * size + x) + channel] = 255 }
                }
            }
        }
        return try Picture(width: size, height: size, channels: 3, pixels: values)
    }
}
