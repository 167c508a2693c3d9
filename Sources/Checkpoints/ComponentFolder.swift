import Foundation
package import Layers
import Tensors

/// The folder of one part of a published model (`unet`, `vae`, `text_encoder` …): its configuration and its weights, in
/// whichever of the usual forms they lie there.
package struct ComponentFolder {
    package let path: String

    package init(_ path: String) { self.path = path }

    package init(_ model: String, _ part: String) {
        path = (model as NSString).appendingPathComponent(part)
    }

    package var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// - Throws: `TensorFileError` or `CheckpointError` where it is missing or does not read.
    package func configuration(_ name: String = "config.json") throws -> JSONObject { try JSONObject(path: file(name)) }

    package func file(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

    package func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    /// What weights are called, without their ending: by diffusers, by transformers, by its pickles.
    private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]
    /// Full precision first, as diffusers would; then halves. safetensors before pickles, one file before shards.
    private static let variants = ["", ".fp16", ".bf16", ".non_ema"]

    /// - Throws: `CheckpointError` naming the folder where there are none.
    package func weights() throws -> any TensorSource {
        for ending in ["safetensors", "bin"] {
            for variant in Self.variants {
                for stem in Self.stems {
                    let names = [
                        "\(stem)\(variant).\(ending)", "\(stem).\(ending).index\(variant).json",
                        "\(stem)\(variant).\(ending).index.json",
                    ]
                    guard let name = names.first(where: has) else { continue }
                    if name.hasSuffix(".json") { return try ShardIndex.open(file(name)) }
                    return try TensorArchive.open(file(name)).stateDict
                }
            }
        }
        throw CheckpointError(
            path, "holds no weights", expected: "diffusion_pytorch_model.safetensors, model.safetensors, a .bin or shards")
    }
}
