extension ComposedScenes {
    /// Captions of scenes that differ from the picture's in one part, each in another as far as there are some, worded as
    /// its own caption is. None could be said of the picture itself.
    ///
    /// The scenes are of the configuration's split, or what is held out would be learned to be false; of its other side
    /// where it has none.
    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        let scene = try description(at: index)
        let alterations = try CaptionAlterations(configuration)
        let admitted = wrongCaptions(of: scene, index, variation, count) { part in
            alterations.scenes(like: scene, otherIn: part).filter { configuration.split.admits($0) }
        }
        if !admitted.isEmpty { return admitted }
        return wrongCaptions(of: scene, index, variation, count) { alterations.scenes(like: scene, otherIn: $0) }
    }

    private func wrongCaptions(
        of scene: SceneDescription, _ index: Int, _ variation: UInt64, _ count: Int,
        others: (ScenePart) -> [SceneDescription]
    ) -> [String] {
        let own = caption(CaptionGrammar(scene), index, variation)
        let truths = Self.grammars(of: scene)
        var random = SceneRandom(state: mix64(configuration.seed ^ mix64(variation ^ UInt64(index))))
        var parts: [ScenePart] = []
        var found: [String] = []
        // A part that a caption leaves out changes nothing; subjects are always told.
        for _ in 0..<max(0, count) * 12 where found.count < count {
            if parts.isEmpty { parts = random.shuffled(ScenePart.allCases) }
            guard let part = parts.popLast(), let other = random.pick(others(part)),
                let grammar = CaptionGrammar(other, without: ExactCaption.ambiguous[part, default: []])
            else { continue }
            let wrong = caption(grammar, index, variation)
            if wrong != own, !found.contains(wrong), !truths.contains(where: { $0.accepts(wrong) }) {
                found.append(wrong)
            }
        }
        return found
    }

    /// All that is true of a scene: a season need not be told.
    private static func grammars(of scene: SceneDescription) -> [CaptionGrammar] {
        guard scene.season != .summer else { return [CaptionGrammar(scene)] }
        var untold = scene
        untold.season = .summer
        return [CaptionGrammar(scene), CaptionGrammar(untold)]
    }
}
