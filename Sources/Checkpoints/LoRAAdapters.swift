import Foundation
import Tensors

/// How strongly a LoRA's changes count where no tensor says it: PEFT's `LoraConfig`, which diffusers keeps in a file's
/// metadata (`loaders/lora_base.py`), and PEFT in `adapter_config.json` beside its own files.
struct LoRAAdapters {
    /// The first whose prefix a module's name begins with tells of it.
    private var adapters: [(prefix: String, adapter: Adapter)] = []

    /// - Throws: `CheckpointError` naming the file and the key, also for changes that are not scale · up · down.
    init(_ archive: TensorArchive, modules: some Sequence<String>) throws {
        let folder = ComponentFolder((archive.file.path as NSString).deletingLastPathComponent)
        let prefix = "base_model.model."
        if modules.contains(where: { $0.hasPrefix(prefix) }), folder.has("adapter_config.json"),
            let adapter = try Adapter(folder.configuration("adapter_config.json"), prefix: "")
        {
            adapters.append((prefix, adapter))
        }
        guard let json = try JSONObject(metadata: "lora_adapter_metadata", of: archive) else { return }
        // In a network's own file neither keys nor modules begin with a part's name.
        for prefix in LatentFile.Part.allCases.map({ $0.rawValue + "." }) + [""] {
            if let adapter = try Adapter(json, prefix: prefix) { adapters.append((prefix, adapter)) }
        }
    }

    /// - Returns: nil where nothing is said of the module.
    func alpha(of module: String) -> Double? {
        guard let found = adapters.first(where: { module.hasPrefix($0.prefix) }) else { return nil }
        return found.adapter.alpha(of: module.dropFirst(found.prefix.count))
    }

    private struct Adapter {
        private let alpha: Double
        /// Of modules with another one, the first that fits counts.
        private let others: [(module: String, alpha: Double)]

        /// - Parameter prefix: of its keys, with a dot.
        /// - Returns: nil where there are none.
        init?(_ json: JSONObject, prefix: String) throws {
            func isOwn(_ key: String) -> Bool { key.hasPrefix(prefix) && !key.dropFirst(prefix.count).contains(".") }
            guard json.members.keys.contains(where: isOwn) else { return nil }
            for key in ["use_rslora", "use_dora"] where try json.bool(prefix + key) == true {
                throw json.wrong(prefix + key, expected: "false: only changes of alpha / rank · up · down are known here")
            }
            // PEFT's own default.
            alpha = try json.number(prefix + "lora_alpha") ?? 8
            guard let patterns = try json.object(prefix + "alpha_pattern") else {
                others = []
                return
            }
            // Files hold them sorted.
            others = try patterns.members.keys.sorted().map { name in
                let rest = name.hasPrefix("^") ? name.dropFirst() : name[...]
                guard rest.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }) else {
                    throw patterns.wrong(name, expected: "a module's name instead of a pattern")
                }
                return (module: name, alpha: try patterns.require(name, patterns.number(name)))
            }
        }

        func alpha(of module: Substring) -> Double {
            others.first { Self.fits(module, $0.module) }?.alpha ?? alpha
        }

        /// As PEFT's `get_pattern_key`: the whole name behind `^`, else its end.
        private static func fits(_ module: Substring, _ name: String) -> Bool {
            if name.hasPrefix("^") { return name.dropFirst() == module }
            return module == name || module.hasSuffix("." + name)
        }
    }
}
