public import Layers
public import Models
public import Tensors

/// A tower of GLIDE's noised CLIP: OpenAI's `clip_image_enc.pt` or `clip_text_enc.pt`, or one of the same layout in
/// another size, recognised from its keys and shapes.
public struct NoisedCLIPFile {
    public let source: any TensorSource
    public let configuration: NoisedCLIPTowerConfiguration

    /// The width of an attention head cannot be seen in the weights; OpenAI's have 64.
    private static let publishedHeadWidth = 64

    /// - Parameter heads: for towers whose heads are not 64 wide.
    /// - Returns: nil where the keys are not such a tower's.
    /// - Throws: `CheckpointError` where they are, but contradict one another.
    public init?(_ source: any TensorSource, heads: Int? = nil) throws {
        guard let output = source.shape(of: "blocks.output.f.w"),
            let positions = source.shape(of: "blocks.input.w_pos")
        else { return nil }
        func refuse(_ name: String, _ expected: String) -> CheckpointError {
            CheckpointError(
                source.sourceName, "\(name) has the shape \(source.shape(of: name) ?? [])", expected: expected)
        }
        guard output.count == 2, output.allSatisfy({ $0 > 0 }) else { throw refuse("blocks.output.f.w", "a matrix") }
        guard positions.count == 2 else { throw refuse("blocks.input.w_pos", "a table") }
        let input: NoisedCLIPTowerConfiguration.Input
        if let patches = source.shape(of: "blocks.input.patch_proj") {
            let grid = Int(Double(max(positions[0] - 1, 0)).squareRoot())
            guard patches.count == 4, (1...4096).contains(patches[3]), (1...4096).contains(grid),
                positions[0] == 1 + grid * grid
            else { throw refuse("blocks.input.w_pos", "one row more than a square number of patches") }
            input = .image(
                side: grid * patches[3], patch: patches[3], timesteps: source.shape(of: "blocks.input.w_t")?.first)
        } else if let table = source.shape(of: "blocks.input.w_voc"), let rows = table.first {
            input = .text(vocabulary: rows, context: positions[0])
        } else {
            return nil
        }
        var layers = 0
        while layers < 1024, source.shape(of: "blocks.block_\(layers).f_attn.f_q.w") != nil { layers += 1 }
        let width = output[1]
        self.source = source
        configuration = NoisedCLIPTowerConfiguration(
            input: input, width: width, layers: layers, heads: heads ?? max(1, width / Self.publishedHeadWidth),
            embedding: output[0])
        do { try configuration.validate() } catch let error as ConfigurationError {
            throw CheckpointError(source.sourceName, error.description, expected: "a tower that can be built")
        }
    }

    /// Opens a file.
    /// - Throws: `TensorFileError` or `CheckpointError`, naming it.
    public init(path: String) throws {
        guard let file = try NoisedCLIPFile(TensorArchive.open(path).stateDict) else {
            throw CheckpointError(
                path, "holds no tower of GLIDE's noised CLIP", expected: "clip_image_enc.pt or clip_text_enc.pt")
        }
        self = file
    }

    public var isImageTower: Bool {
        if case .image = configuration.input { true } else { false }
    }

    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    public func imageTower(dtype: DType = .float32, device: Device = .cpu) throws -> NoisedCLIPImageTower {
        let store = WeightStore(.tensors(source), dtype: dtype, device: device)
        let tower = try NoisedCLIPImageTower(Weights(store), configuration: configuration)
        try store.finish()
        return tower
    }

    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    public func textTower(dtype: DType = .float32, device: Device = .cpu) throws -> NoisedCLIPTextTower {
        let store = WeightStore(.tensors(source), dtype: dtype, device: device)
        let tower = try NoisedCLIPTextTower(Weights(store), configuration: configuration)
        try store.finish()
        return tower
    }
}
