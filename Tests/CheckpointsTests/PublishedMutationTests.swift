import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing
import Tokenizers

/// Damaged published models: 1,000 of each kind, an error that names a file, or a model that is sound.
struct PublishedMutationTests {
    @Test func damagedFolders() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let files = [
                "model_index.json", "unet/config.json", "vae/config.json", "text_encoder/config.json",
                "text_encoder_2/config.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json",
                "tokenizer/tokenizer_config.json", "tokenizer_2/special_tokens_map.json",
            ]
            let model = folder.path + "/xl"
            try FileManager.default.copyItem(atPath: PublishedModelTests.folder + "/xl", toPath: model)
            let texts = try files.map { try String(contentsOfFile: "\(model)/\($0)", encoding: .utf8) }
            let values = texts.map { $0.ranges(of: /-?[0-9]+(\.[0-9]+)?|"[A-Za-z0-9_]+"|true|false/) }
            var random = SplitMix64(seed: 5)
            var refused = 0
            for index in 0..<1000 {
                let which = index % files.count
                let path = "\(model)/\(files[which])"
                let text = texts[which]
                let damaged =
                    index / files.count % 2 == 0 ? damage(text, &random) : change(text, values[which], &random)
                try damaged.write(toFile: path, atomically: false, encoding: .utf8)
                if try isRefused(model, in: folder.path, damaged) { refused += 1 }
                try text.write(toFile: path, atomically: false, encoding: .utf8)
            }
            #expect(refused > 300, "\(refused)")
        }
    }

    @Test(arguments: ["sd2/single.safetensors", "sd1/single.ckpt"])
    func damagedFiles(name: String) async {
        await #expect(processExitsWith: .success) { [name] in
            let folder = try TemporaryFolder()
            let model = folder.path + "/model"
            let names = name.split(separator: "/").map(String.init)
            let (part, file) = (names[0], names[1])
            try FileManager.default.copyItem(atPath: PublishedModelTests.folder + "/" + part, toPath: model)
            let path = model + "/" + file
            let original = [UInt8](try Data(contentsOf: URL(filePath: path)))
            // The header of safetensors; the pickle, which stands first in the archive, and the archive's directory.
            let length = original.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            let places =
                file.hasSuffix("ckpt")
                ? [0..<min(60_000, original.count), original.count - 40_000..<original.count] : [0..<8 + length]
            var random = SplitMix64(seed: 6)
            var refused = 0
            for index in 0..<1000 {
                var bytes = original
                let range = places[index % places.count]
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: range, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 2: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &random)
                    default: if Int.random(in: 0..<30, using: &random) == 0 { bytes.removeSubrange(place...) }
                    }
                    if bytes.count < original.count { break }
                }
                try Data(bytes).write(to: URL(filePath: path))
                if try isRefused(path, in: folder.path, "mutation \(index)") { refused += 1 }
            }
            #expect(refused > 300, "\(refused)")
        }
    }
}

/// Opens and checks a model. Any error must be one of ours and name a file of this folder.
private func isRefused(_ path: String, in folder: String, _ what: String) throws -> Bool {
    do {
        if case .latents(let file) = try PublishedModel(path) {
            try file.check()
            for index in file.configuration.towers.indices { _ = try file.tokenizer(index) }
            _ = try file.configuration.diffusion.plan(.euler, steps: 4)
        }
        return false
    } catch let error as CheckpointError {
        #expect(error.file.hasPrefix(folder), "\(error) of \(what)")
    } catch let error as TensorFileError {
        #expect(error.file.hasPrefix(folder), "\(error) of \(what)")
    } catch let error as WeightError {
        #expect(error.source.hasPrefix(folder), "\(error) of \(what)")
    } catch let error as TokenizerError {
        #expect("\(error)".contains(folder), "\(error) of \(what)")
    } catch let error as ConfigurationError {
        // A plan that cannot be made: no file is at fault until it is asked for.
        #expect(!error.description.isEmpty)
    } catch let error as DiffusionError {
        #expect(!"\(error)".isEmpty)
    } catch {
        Issue.record("\(error) of \(what)")
    }
    return true
}
