internal import Layers
internal import Models
internal import Tensors

/// A U-Net's weights as those of one that has more: attention at levels that had none, residual blocks behind a level's own.
/// What is new adds nothing at first, so that the larger network begins as the smaller one (Chen et al. 2016, §2).
struct GrownUNet {
    private let old: UNetConfiguration
    private let new: UNetConfiguration
    /// Of what the smaller network has, the larger one's path by its own.
    private let paths: [String: String]
    /// Blocks on the way up that only the larger one has.
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
        (self.old, self.new) = (old, new)
        let (was, will) = (Self.places(in: old), Self.places(in: new))
        var paths: [String: String] = [:]
        for (place, path) in was { paths[path] = will[place.moved(from: old, to: new)] }
        self.paths = paths
        added = will.values.filter { $0.hasPrefix("output_blocks.") && !paths.values.contains($0) && $0.hasSuffix(".0") }
    }

    /// - Parameters:
    ///   - weights: the smaller network's, by its names.
    ///   - seed: what is new is drawn from.
    func grown(_ weights: [(name: String, value: Tensor)], seed: UInt64) throws -> [(name: String, value: Tensor)] {
        let store = WeightStore(.initial(try RandomGenerator(seed: seed)))
        _ = try UNet(Weights(store), configuration: new)
        var values = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.value) })
        for path in added {
            let (weight, bias) = (path + ".skip_connection.weight", path + ".skip_connection.bias")
            guard let shape = values[weight]?.shape else { continue }
            values[weight] = try Self.first(shape[0], of: shape[1])
            values[bias] = try .zeros([shape[0]])
        }
        for (name, value) in weights { values[moved(name)] = value }
        return values.map { (name: $0.key, value: $0.value) }
    }

    private func moved(_ name: String) -> String {
        let parts = name.split(separator: ".")
        guard parts.count > 3, let path = paths[parts[..<3].joined(separator: ".")] else { return name }
        return ([path] + parts[3...].map(String.init)).joined(separator: ".")
    }

    /// A convolution [count, channels, 1, 1] that gives back the first channels.
    private static func first(_ count: Int, of channels: Int) throws -> Tensor {
        try Tensor(
            (0..<count).flatMap { row in (0..<channels).map { Float($0 == row ? 1 : 0) } }, shape: [count, channels, 1, 1])
    }

    /// A part of a U-Net by what it is.
    private enum Place: Hashable {
        case residual(isDown: Bool, level: Int, block: Int)
        case attention(isDown: Bool, level: Int, block: Int)
        case shrinking(level: Int)
        case enlarging(level: Int)

        /// On the way up, the first block of a level takes back the last one kept, which is at first what it was; new blocks
        /// stand behind it.
        func moved(from old: UNetConfiguration, to new: UNetConfiguration) -> Place {
            func moved(_ isDown: Bool, _ level: Int, _ block: Int) -> Int {
                isDown || block == 0 ? block : block + new.levels[level].residualBlocks - old.levels[level].residualBlocks
            }
            switch self {
            case .residual(let isDown, let level, let block):
                return .residual(isDown: isDown, level: level, block: moved(isDown, level, block))
            case .attention(let isDown, let level, let block):
                return .attention(isDown: isDown, level: level, block: moved(isDown, level, block))
            case .shrinking, .enlarging: return self
            }
        }
    }

    /// Where each part stands, as `UNet.init` lays them out.
    private static func places(in configuration: UNetConfiguration) -> [Place: String] {
        var places: [Place: String] = [:]
        var (down, up) = (1, 0)
        for (index, level) in configuration.levels.enumerated() {
            for block in 0..<level.residualBlocks {
                places[.residual(isDown: true, level: index, block: block)] = "input_blocks.\(down).0"
                if level.attention { places[.attention(isDown: true, level: index, block: block)] = "input_blocks.\(down).1" }
                down += 1
            }
            guard index < configuration.levels.count - 1 else { continue }
            places[.shrinking(level: index)] = "input_blocks.\(down).0"
            down += 1
        }
        for (index, level) in configuration.levels.enumerated().reversed() {
            for block in 0...level.residualBlocks {
                places[.residual(isDown: false, level: index, block: block)] = "output_blocks.\(up).0"
                if level.attention { places[.attention(isDown: false, level: index, block: block)] = "output_blocks.\(up).1" }
                if index > 0 && block == level.residualBlocks {
                    places[.enlarging(level: index)] = "output_blocks.\(up).\(level.attention ? 2 : 1)"
                }
                up += 1
            }
        }
        return places
    }
}
