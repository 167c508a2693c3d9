internal import Checkpoints
internal import Layers
internal import Models
internal import Tensors

/// A U-Net's weights as those of one that has more: attention at levels that had none, residual blocks behind a level's own.
/// What is new adds nothing at first, so that the larger network begins as the smaller one (Chen et al. 2016, §2).
struct GrownUNet {
    private let new: UNetConfiguration
    /// Of the smaller network's parameters, the larger one's names.
    private let names: [String: String]
    /// Of blocks on the way up that only the larger one has, the convolution that brings their input to its width.
    private let added: [String]

    /// - Returns: nil where the larger network differs in anything else, or in nothing.
    init?(from old: UNetConfiguration, to new: UNetConfiguration) {
        guard old != new, old.levels.count == new.levels.count else { return nil }
        var grown = old
        for (index, level) in new.levels.enumerated() {
            let own = old.levels[index]
            guard own.residualBlocks <= level.residualBlocks, !own.attention || level.attention else { return nil }
            grown.levels[index].residualBlocks = level.residualBlocks
            guard !own.attention else { continue }
            grown.levels[index].attention = level.attention
            grown.levels[index].transformerDepth = level.transformerDepth
            grown.levels[index].heads = level.heads
        }
        // The middle has the last level's heads.
        guard grown == new, old.middleHeads == new.middleHeads else { return nil }
        guard let was = try? UNetNames.diffusers(old), let will = try? UNetNames.diffusers(new) else { return nil }
        let ours = Dictionary(uniqueKeysWithValues: will.map { ($1, $0) })
        let more = zip(old.levels, new.levels).map { $1.residualBlocks - $0.residualBlocks }
        let names = was.compactMapValues { ours[Self.moved($0, by: Array(more.reversed()))] }
        (self.new, self.names) = (new, names)
        let known = Set(names.values)
        added = will.keys.filter { $0.hasSuffix(".skip_connection.weight") && !known.contains($0) }
    }

    /// - Parameters:
    ///   - weights: the smaller network's, by its names.
    ///   - seed: what is new is drawn from.
    func grown(_ weights: [(name: String, value: Tensor)], seed: UInt64) throws -> [(name: String, value: Tensor)] {
        let store = WeightStore(.initial(try RandomGenerator(seed: seed)))
        _ = try UNet(Weights(store), configuration: new)
        var values = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.value) })
        for weight in added {
            guard let shape = values[weight]?.shape else { continue }
            values[weight] = try Self.first(shape[0], of: shape[1])
            values[weight.replacing(".weight", with: ".bias")] = try .zeros([shape[0]])
        }
        for (name, value) in weights { values[names[name] ?? name] = value }
        return values.map { (name: $0.key, value: $0.value) }
    }

    /// On the way up, the first block of a level takes back the last one kept, which is at first what it was; new blocks
    /// stand behind it.
    ///
    /// - Parameters:
    ///   - name: as diffusers has it.
    ///   - more: how many blocks are new at each level, in the order of the way up.
    private static func moved(_ name: String, by more: [Int]) -> String {
        var parts = name.split(separator: ".").map(String.init)
        guard parts.count > 3, parts[0] == "up_blocks", let level = Int(parts[1]),
            let block = Int(parts[3]), block > 0
        else { return name }
        parts[3] = String(block + more[level])
        return parts.joined(separator: ".")
    }

    /// A convolution [count, channels, 1, 1] that gives back the first channels.
    private static func first(_ count: Int, of channels: Int) throws -> Tensor {
        try Tensor(
            (0..<count).flatMap { row in (0..<channels).map { Float($0 == row ? 1 : 0) } }, shape: [count, channels, 1, 1])
    }
}
