import Layers
import Tensors

/// A model's weights with LoRA files merged as they are read, one tensor at a time.
struct LoRASource: TensorSource {
    let base: any TensorSource
    /// Our key → what is added.
    let added: [String: [(file: LoRAFile, module: String, scale: Double)]]

    var sourceName: String { base.sourceName }
    var tensorNames: [String] { base.tensorNames }
    func shape(of name: String) -> [Int]? { base.shape(of: name) }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }
    func release(_ name: String) { base.release(name) }

    func tensor(_ name: String) throws -> Tensor {
        let tensor = try base.tensor(name)
        guard let changes = added[name] else { return tensor }
        var sum = try tensor.to(.float32)
        for change in changes { sum = try sum + change.file.delta(change.module, shape: tensor.shape, scale: change.scale) }
        return sum
    }
}

/// Which of a model's weights each LoRA changes.
struct LoRAPlan {
    /// Names a module of ours may have in a LoRA → our key, for one part of the model.
    private(set) var aliases: [String: (part: String, key: String)] = [:]

    /// - Parameters:
    ///   - part: `unet`, `text_encoder`, `text_encoder_2`.
    ///   - names: our key → the name that diffusers or transformers give it.
    ///   - kohya: what stands before kohya's names: `lora_unet_`, `lora_te_`.
    mutating func add(_ part: String, names: [(ours: String, theirs: String)], kohya: [String], sharesOurs: Bool) {
        for (ours, theirs) in names where ours.hasSuffix(".weight") && theirs.hasSuffix(".weight") {
            let module = String(theirs.dropLast(".weight".count))
            let entry = (part, ours)
            aliases["\(part).\(module)"] = entry
            aliases["base_model.model.\(part).\(module)"] = entry
            // Older files of diffusers leave the last index out.
            if module.hasSuffix(".to_out.0") { aliases["\(part).\(module.dropLast(2))"] = entry }
            if part == "unet" {
                for name in [module, "base_model.model.\(module)"] where aliases[name] == nil { aliases[name] = entry }
            }
            for prefix in kohya {
                aliases[prefix + module.replacing(".", with: "_")] = entry
                guard sharesOurs else { continue }
                aliases[prefix + ours.dropLast(".weight".count).replacing(".", with: "_")] = entry
            }
        }
    }

    /// - Returns: part → our key → what is added to it.
    /// - Throws: `CheckpointError` naming modules that this model has not.
    func resolve(
        _ choices: [LoRAChoice]
    ) throws -> [String: [String: [(file: LoRAFile, module: String, scale: Double)]]] {
        var result: [String: [String: [(file: LoRAFile, module: String, scale: Double)]]] = [:]
        for choice in choices {
            guard choice.scale.isFinite else {
                throw CheckpointError(choice.path, "is to be merged \(choice.scale) times", expected: "a finite scale")
            }
            let file = try LoRAFile(choice.path)
            let unknown = file.changes.keys.filter { aliases[$0] == nil }.sorted()
            if let first = unknown.first {
                throw CheckpointError(
                    choice.path, "changes \(unknown.count) modules that this model has not, such as \(first)",
                    expected: "a LoRA made for a model of this kind")
            }
            for module in file.changes.keys.sorted() {
                guard let (part, key) = aliases[module] else { continue }
                result[part, default: [:]][key, default: []].append((file, module, choice.scale))
            }
        }
        return result
    }
}
