internal import Layers
package import Models
package import Tensors
package import Tokenizers

/// Prompts as a latent U-Net reads them.
package struct LatentPrompts {
    /// [N, L, width], the towers' states side by side.
    package let states: Tensor
    /// The last tower's pooled state, projected where it projects: [N, pooled width].
    package let pooled: Tensor?
}

/// The text towers of a latent model: loaded when prompts are read; kept while there is room, else given back.
package final class LatentTexts {
    private let file: LatentFile
    private let dtype: DType
    private let device: Device
    private var towers: [Int: TextTower] = [:]
    private var tokenizers: [Int: any Tokenizer] = [:]
    private let inversions: [TextualInversion]

    init(_ file: LatentFile, inversions: [TextualInversion], dtype: DType, device: Device) throws {
        self.file = file
        self.inversions = inversions
        self.dtype = dtype
        self.device = device
        // What does not fit is refused before anything is loaded.
        for index in file.configuration.towers.indices { _ = try added(index) }
    }

    /// Whether the towers are in memory now.
    package var areLoaded: Bool { !towers.isEmpty }

    /// Gives the towers back; the next prompt loads them again.
    package func release() { towers = [:] }

    // MARK: Reading

    /// Prompts and negative prompts of a request.
    func encode(_ request: DrawingRequest) throws -> (wanted: LatentPrompts, unwanted: LatentPrompts) {
        let count = request.prompts.count
        // Equal prompts, as those of a batch are, are read once.
        let all = request.prompts + request.negativePrompts
        let different = all.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let read = try encode(different, reading: request.reading, skip: request.skippedLayers)
        func rows(_ prompts: ArraySlice<String>, zeroing: Bool) throws -> LatentPrompts {
            let places = prompts.map { different.firstIndex(of: $0) ?? 0 }
            let index = try Tensor(places, shape: [places.count]).to(device: device)
            var states = try read.states.indexSelect(0, index)
            var pooled = try read.pooled?.indexSelect(0, index)
            if zeroing, prompts.contains("") {
                let kept = try Tensor(prompts.map { $0.isEmpty ? Float(0) : 1 }, shape: [prompts.count, 1]).to(like: states)
                states = try states * kept.unsqueeze(-1)
                pooled = try pooled.map { try $0 * kept.to(like: $0) }
            }
            return LatentPrompts(states: states, pooled: pooled)
        }
        if isMemoryShort(request) { release() }
        return (
            try rows(all.prefix(count), zeroing: false),
            try rows(all.dropFirst(count), zeroing: file.configuration.zeroesEmptyPrompt)
        )
    }

    private func encode(_ prompts: [String], reading: PromptReading, skip: Int) throws -> LatentPrompts {
        let indices = file.configuration.towers.indices
        // Side by side, all towers' states must be as long.
        let chunks = try indices.map { try chunkCount(prompts, reading: reading, tower: $0) }.max() ?? 1
        var states: [Tensor] = []
        var pooled: Tensor?
        for index in indices {
            switch try tower(index) {
            case .clip:
                let read = try clip(index)(prompts, reading: reading, chunks: chunks, skip: skip)
                states.append(read.states)
                pooled = read.projected ?? read.pooled
            case .bert(let transformer):
                guard skip == 0 else {
                    throw ConfigurationError("this model's text transformer has no layers to skip")
                }
                let tokenizer = try tokenizer(index)
                let length = transformer.configuration.context
                let ids = prompts.flatMap { tokenizer.padded($0, length: length).ids }
                let tokens = try Tensor(ids, shape: [prompts.count, length]).to(device: device)
                states.append(try withoutGradients { try transformer(tokens) })
            }
        }
        return LatentPrompts(states: states.count == 1 ? states[0] : try .concatenate(states, dim: -1), pooled: pooled)
    }

    func tokensCut(from prompt: String, reading: PromptReading) throws -> Int {
        try file.configuration.towers.indices.map { index in
            switch try chunker(index, reading) {
            case let chunker?: chunker.chunks(of: prompt).cut
            case nil: try tokenizer(index).padded(prompt, length: file.configuration.towers[index].context).cut
            }
        }.max() ?? 0
    }

    /// The first tower's tokens, each at the place of its own state, behind the start token. A second tower whose
    /// tokenizer cuts words otherwise has other tokens at these places.
    func tokens(in prompt: String) throws -> [AttendedToken] {
        guard let first = file.configuration.towers.first else { return [] }
        let tokens = try chunker(0, .plain)?.tokens(of: prompt) ?? tokenizer(0).tokens(in: prompt)
        return tokens.prefix(max(0, first.context - 2)).enumerated().map { AttendedToken(token: $1, place: $0 + 1) }
    }

    private func chunkCount(_ prompts: [String], reading: PromptReading, tower index: Int) throws -> Int {
        guard let chunker = try chunker(index, reading) else { return 1 }
        return prompts.map { chunker.chunks(of: $0).chunks.count }.max() ?? 1
    }

    /// Cuts prompts for a CLIP tower, without its weights.
    private func chunker(_ index: Int, _ reading: PromptReading) throws -> PromptChunker? {
        guard let tokenizer = try tokenizer(index) as? CLIPTokenizer else { return nil }
        return PromptChunker(
            tokenizer, context: file.configuration.towers[index].context, reading: reading,
            added: try added(index)?.words ?? [])
    }

    // MARK: Parts

    func index(of part: LatentFile.Part) -> Int? { file.towerParts.firstIndex(of: part) }

    /// - Returns: nil where the tower is none of CLIP's.
    package func clipEncoder(_ index: Int) throws -> CLIPPromptEncoder? {
        guard case .clip = file.configuration.towers[index].network else { return nil }
        return try clip(index)
    }

    private func clip(_ index: Int) throws -> CLIPPromptEncoder {
        guard case .clip(let network) = try tower(index), let tokenizer = try tokenizer(index) as? CLIPTokenizer else {
            throw CheckpointError(file.path, "text tower \(index) is none of CLIP's")
        }
        return CLIPPromptEncoder(
            network, tokenizer: tokenizer, choice: file.configuration.towers[index].states,
            inversions: try added(index))
    }

    package func tower(_ index: Int) throws -> TextTower {
        if let tower = towers[index] { return tower }
        let tower = try file.tower(index, dtype: dtype, device: device)
        towers[index] = tower
        return tower
    }

    private func tokenizer(_ index: Int) throws -> any Tokenizer {
        if let tokenizer = tokenizers[index] { return tokenizer }
        let tokenizer = try file.tokenizer(index)
        tokenizers[index] = tokenizer
        return tokenizer
    }

    private func added(_ index: Int) throws -> AddedTokens? {
        guard !inversions.isEmpty else { return nil }
        let towers = file.configuration.towers
        guard case .clip(let network) = towers[index].network else {
            throw CheckpointError(inversions[0].path, "cannot teach this model's text transformer a word")
        }
        return try AddedTokens(
            inversions, vocabulary: network.vocabulary, width: network.width, tower: index, of: towers.count)
    }

    /// Less than twice what the towers and then the decoder take is free: what follows needs it more.
    private func isMemoryShort(_ request: DrawingRequest) -> Bool {
        guard case .cpu = device, let free = AvailableMemory.bytes else { return false }
        let held = towers.values.reduce(0) { $0 + $1.parameterCount } * dtype.byteCount
        let network = file.configuration.autoencoder
        let picture = network.decodingBytes(
            height: request.height / network.factor, width: request.width / network.factor,
            dtype: network.dtype(in: dtype))
        return free / 2 < held + picture * request.prompts.count
    }
}

extension TextTower {
    /// About how many numbers it holds.
    var parameterCount: Int {
        let (vocabulary, width, layers, inner): (Int, Int, Int, Int) =
            switch self {
            case .clip(let tower):
                (
                    tower.configuration.vocabulary, tower.configuration.width, tower.configuration.layers,
                    tower.configuration.expandedWidth
                )
            case .bert(let tower):
                (
                    tower.configuration.vocabulary, tower.configuration.width, tower.configuration.layers,
                    tower.configuration.expandedWidth
                )
            }
        return vocabulary * width + layers * (4 * width * width + 2 * width * inner)
    }
}

extension LatentFile {
    /// The tokenizer of a tower: from the folder where there is one, else the one that comes with Moonlit.
    package func tokenizer(_ index: Int) throws -> any Tokenizer {
        if case .bert = configuration.towers[index].network {
            if let folder = vocabularies[index] { return try BERTTokenizer(folder: folder) }
            return try BERTTokenizer()
        }
        if let folder = vocabularies[index] { return try CLIPTokenizer(folder: folder) }
        let isEnd = configuration.towers[index].padding != 0
        return try CLIPTokenizer(cleaning: .transformers, padding: isEnd ? .endToken : .exclamationMark)
    }

    /// Of each token of CLIP's whole vocabulary that a tower of CLIP's knows, its row in the tower's table.
    package func knownTokens(_ index: Int) throws -> [Int: Int] {
        if let folder = vocabularies[index] { return try CLIPVocabularyFiles.numbers(inFolder: folder) }
        return try CLIPVocabularyFiles(keeping: [Int]?.none).numbers
    }

    /// The same model with LoRA files merged as its weights are read.
    ///
    /// - Throws: `CheckpointError` naming what a LoRA changes and the model has not.
    package func merging(_ choices: [LoRAChoice]) throws -> LatentFile {
        guard !choices.isEmpty else { return self }
        var plan = LoRAPlan()
        if let source = sources[.unet] {
            let theirs = try UNetNames.diffusers(configuration.unet)
            plan.add(
                "unet", names: source.tensorNames.compactMap { name in theirs[name].map { (name, $0) } },
                kohya: ["lora_unet_"], sharesOurs: true)
        }
        let isPair = towerParts.count == 2
        for (index, part) in towerParts.enumerated() {
            guard case .clip = configuration.towers[index].network, let source = sources[part] else { continue }
            let names = source.tensorNames.map { ($0, $0.hasPrefix("text_projection") ? $0 : "text_model." + $0) }
            // XL's are numbered; its refiner has the second alone.
            let kohya = isPair || part == .textEncoder2 ? ["lora_te\(part == .textEncoder2 ? 2 : 1)_"] : ["lora_te_"]
            plan.add(part.rawValue, names: names, kohya: kohya, sharesOurs: false)
        }
        var merged = self
        for (name, added) in try plan.resolve(choices) {
            guard let part = Part(rawValue: name), let base = sources[part] else { continue }
            merged.sources[part] = LoRASource(base: base, added: added)
        }
        return merged
    }
}
