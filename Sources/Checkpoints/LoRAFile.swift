internal import Layers
internal import Tensors

/// A file of low-rank changes to a model's weights (LoRA, Hu et al. 2022): each change is scale · up · down, by the names
/// that kohya's scripts or that diffusers and PEFT give them.
public struct LoRAFile {
    public let path: String
    let archive: TensorArchive
    /// Changes by the module they are for, as the file calls it, without what says which half it is.
    let changes: [String: Change]
    private let adapters: LoRAAdapters

    struct Change {
        var down: String?
        var up: String?
        var alpha: String?
    }

    private enum Half { case down, up, alpha }

    /// What stands behind a module's name.
    private static let endings: [(String, Half)] = [
        (".lora_down.weight", .down), (".lora_up.weight", .up), (".alpha", .alpha),
        (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
        (".lora_A.weight", .down), (".lora_B.weight", .up),
        (".lora.down.weight", .down), (".lora.up.weight", .up),
        ("_lora.down.weight", .down), ("_lora.up.weight", .up),
        (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
    ]

    /// - Throws: `TensorFileError`, or `CheckpointError` naming the first tensor that is no half of a LoRA, as those of
    ///   LoHa, LoKr, DoRA and of LoCon's middle weights are, or the key that asks for DoRA or a rank-stabilised scale.
    public init(_ path: String) throws {
        self.path = path
        archive = try TensorArchive.open(path).stateDict
        var changes: [String: Change] = [:]
        for name in archive.names {
            guard let (ending, half) = Self.endings.first(where: { name.hasSuffix($0.0) }) else {
                throw CheckpointError(
                    path, "holds \(name), which is no part of a LoRA that can be merged",
                    expected: "….lora_down.weight, ….lora_up.weight and ….alpha, or ….lora_A.weight and ….lora_B.weight")
            }
            let module = String(name.dropLast(ending.count)).replacing(".processor.", with: ".")
            switch half {
            case .down: changes[module, default: Change()].down = name
            case .up: changes[module, default: Change()].up = name
            case .alpha: changes[module, default: Change()].alpha = name
            }
        }
        for (module, change) in changes where change.down == nil || change.up == nil {
            throw CheckpointError(path, "holds only a part of the change to \(module)", expected: "down and up")
        }
        guard !changes.isEmpty else { throw CheckpointError(path, "holds no tensor", expected: "a LoRA") }
        self.changes = changes
        adapters = try LoRAAdapters(archive, modules: changes.keys)
    }

    /// scale · alpha / rank · up · down, in the shape of the weight it is added to. An alpha that nothing says is the rank.
    ///
    /// - Throws: `CheckpointError` naming the module where shapes do not fit.
    func delta(_ module: String, shape: [Int], scale: Double) throws -> Tensor {
        guard let change = changes[module], let down = change.down, let up = change.up else {
            throw CheckpointError(path, "holds no change to \(module)")
        }
        let (d, u) = try (archive.entry(down).shape, archive.entry(up).shape)
        func holds(_ found: [Int], _ rows: Int, _ columns: Int) -> Bool {
            guard let count = elementCount([rows, columns]) else { return false }
            return elementCount(found) == count
        }
        // down is [r, in] or [r, in, kh, kw]; up is [out, r] or [out, r, 1, 1].
        guard let rank = d.first, rank > 0, d.count >= 2, u.count >= 2, shape.count >= 2, u[0] == shape[0],
            let ins = elementCount(Array(shape.dropFirst())), holds(u, shape[0], rank), holds(d, rank, ins)
        else {
            throw CheckpointError(
                path, "the change to \(module) is \(u) · \(d)", expected: "one that fits a weight of \(shape)")
        }
        let told = try change.alpha.map { try archive.tensor($0).to(.float32).item() } ?? adapters.alpha(of: module)
        let alpha = told ?? Double(rank)
        guard alpha.isFinite else { throw CheckpointError(path, "the alpha of \(module) is \(alpha)") }
        let product = try archive.tensor(up).to(.float32).reshape([shape[0], rank])
            .matmul(archive.tensor(down).to(.float32).reshape([rank, ins]))
        return try product.reshape(shape) * (scale * alpha / Double(rank))
    }
}

/// How much of a LoRA is merged.
public struct LoRAChoice: Sendable, Hashable, Codable {
    public var path: String
    public var scale: Double

    public init(path: String, scale: Double = 1) {
        self.path = path
        self.scale = scale
    }
}
