extension ComposedScenes {
    /// Captions of scenes that differ from the picture's in one part, each in another as far as there are some, worded as
    /// its own caption is. None could be said of the picture itself.
    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        let scene = try description(at: index)
        let (own, truth) = (caption(scene, index, variation), CaptionGrammar(scene))
        let alterations = try CaptionAlterations(configuration)
        var random = SceneRandom(state: mix64(configuration.seed ^ mix64(variation ^ UInt64(index))))
        var parts: [ScenePart] = []
        var found: [String] = []
        // A part that a caption leaves out changes nothing; subjects are always told.
        for _ in 0..<max(0, count) * 12 where found.count < count {
            if parts.isEmpty { parts = random.shuffled(ScenePart.allCases) }
            guard let part = parts.popLast(), let other = random.pick(alterations.scenes(like: scene, otherIn: part))
            else { continue }
            let wrong = caption(other, index, variation)
            if wrong != own, !found.contains(wrong), !truth.accepts(wrong) { found.append(wrong) }
        }
        return found
    }
}
