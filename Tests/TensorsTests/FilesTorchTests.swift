import Foundation
import Tensors
import Testing

@Suite struct FilesTorchTests {
    @Test(arguments: ["types.pt", "types-legacy.pt"])
    func readsEveryType(name: String) throws {
        let archive = try TensorArchive.open(fixture(name))
        #expect(archive.format == (name == "types.pt" ? .torch : .torchLegacy))
        let golden = try TensorArchive.open(fixture("types.safetensors"))
        #expect(archive.names.first == "float32")
        #expect(archive.names.last == "größe 🌙")
        #expect(Set(archive.names) == Set(golden.names))
        for entry in golden.entries {
            let found = try archive.entry(entry.name)
            #expect(found.dtype == entry.dtype)
            #expect(found.shape == entry.shape)
            #expect(
                try archive.elements(entry.name, as: UInt8.self) == golden.elements(entry.name, as: UInt8.self))
        }
    }

    @Test(arguments: [
        "strided.pt", "strided-legacy.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt", "zip64.pt",
        "protocol4-legacy.pt",
    ])
    func readsStridesOverSharedStorages(name: String) throws {
        let archive = try TensorArchive.open(fixture(name))
        #expect(
            archive.names == ["whole", "transposed", "columns", "row", "expanded", "parameter", "nothing"])
        let whole = try archive.entry("whole")
        #expect(whole.isContiguous)
        #expect(try archive.elements("whole") == (0..<24).map(Float.init))
        let transposed = try archive.entry("transposed")
        #expect(transposed.shape == [6, 4])
        #expect(transposed.strides == [1, 6])
        #expect(transposed.storage == whole.storage)
        #expect(transposed.bytes == nil)
        #expect(
            try archive.elements("transposed") == (0..<24).map { Float($0 % 4 * 6 + $0 / 4) })
        let columns = try archive.entry("columns")
        #expect(columns.storageOffset == 7)
        #expect(columns.strides == [6, 2])
        #expect(try archive.elements("columns") == [7, 9, 11, 13, 15, 17 as Float])
        #expect(try archive.elements("row") == [12, 13, 14, 15, 16, 17 as Float])
        #expect(try archive.entry("expanded").strides == [0, 0])
        #expect(try archive.elements("expanded") == [Float](repeating: 7, count: 6))
        #expect(try archive.elements("parameter") == [1, 2 as Float])
        #expect(try archive.entry("nothing").shape == [0, 6])
        #expect(try archive.elements("nothing", as: Float.self).isEmpty)
        #expect(try archive.withUnsafeStorage(of: "row") { $0.count } == 96)
    }

    @Test func findsTheWeightsAmongForeignObjects() throws {
        let archive = try TensorArchive.open(fixture("lightning.ckpt"))
        let root = try #require(archive.root)
        guard case .int(1_000_000_000_000)? = root["global_step"], case .int(3)? = root["epoch"],
            case .string("2.0.1")? = root["pytorch-lightning_version"],
            case .float(1e-4)? = root["hyper_parameters"]?["rate"],
            case .string("ε")? = root["hyper_parameters"]?["name"],
            case .bool(true)? = root["hyper_parameters"]?["flag"],
            case .int(2)? = root["hyper_parameters"]?["sizes"]?[1], case .int(3)? = root["when"]?[1],
            case .int(1)? = root["default"]?["a"]?[0], case .object(className: "_codecs.encode", _)? = root["raw"],
            case .object(className: "int", _)? = root["hyper_parameters"]?["huge"],
            case .object("lightning_like.callbacks.ModelCheckpoint", let members)? = root["callbacks"]?["#0"]
        else {
            Issue.record("the tree of values is not the checkpoint's: \(root)")
            return
        }
        #expect(members.map(\.key) == ["best", "me"])
        #expect(try archive.elements("callbacks.#0.best.score") == [0.25 as Float])
        #expect(try archive.elements("random.torch") == [0, 1, 2 as UInt8])
        #expect(archive["optimizer_states.0.state.3.exp_avg_sq"]?.shape == [2])

        let weights = archive.stateDict
        #expect(weights.names == ["model.0.weight", "model.0.bias", "model.1.weight", "model.1.bias"])
        // AdamW at rate 0.5 moved each by about 0.5; what matters is that it is the right one.
        let bias = try weights.elements("model.1.bias", as: Float.self)
        #expect(bias.count == 2 && abs(bias[0] - 30) < 1 && abs(bias[1] - 31) < 1)
        #expect(archive.under("state_dict.model").names == ["0.weight", "0.bias", "1.weight", "1.bias"])
        #expect(archive.under("nothing").entries.isEmpty)
        let plain = try TensorArchive.open(fixture("strided.pt"))
        #expect(plain.stateDict.names == plain.names)
    }

    @Test func readsABareTensorAndTorchScript() throws {
        let bare = try TensorArchive.open(fixture("bare.pt"))
        #expect(bare.names == ["tensor"])
        #expect(try bare.elements("tensor") == [3, 1, 2])
        let script = try TensorArchive.open(fixture("script.pt"))
        #expect(script.names == ["0.weight", "0.bias", "1.weight", "1.bias"])
        #expect(script["0.weight"]?.shape == [1, 2])
    }

    @Test func executesNothing() throws {
        let folder = try TemporaryFolder()
        let before = FileManager.default.currentDirectoryPath
        let archive = try TensorArchive.open(fixture("hostile.pt"))
        #expect(try archive.elements("weight") == [1, 2 as Float])
        for (key, name) in [("a", "posix.system"), ("b", "__builtin__.eval"), ("c", "__builtin__.exec")] {
            guard case .object(className: name, _)? = archive.root?[key] else {
                Issue.record("\(key) is \(String(describing: archive.root?[key]))")
                continue
            }
        }
        for place in [before, folder.path, NSHomeDirectory()] {
            #expect(!FileManager.default.fileExists(atPath: place + "/moonlit-was-here"))
        }
    }

    @Test(arguments: [
        ("complex.pt", "x", "\"torch.ComplexFloatStorage\" is not supported"),
        ("uint16.pt", "x", "\"torch.uint16\" is not supported"),
        ("compressed.pt", nil, "is compressed"),
    ])
    func namesWhatItDoesNotRead(name: String, tensor: String?, problem: String) throws {
        let error = #expect(throws: TensorFileError.self) { try TensorArchive.open(fixture(name)) }
        #expect(error?.kind == .unsupported)
        #expect(error?.tensor == tensor)
        #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
    }

    /// A tensor of a kind that no network here uses is left out, not in the way.
    @Test func leavesSparseTensorsOut() throws {
        let archive = try TensorArchive.open(fixture("sparse.pt"))
        #expect(archive.names == ["y"])
        guard case .object(className: "torch._utils._rebuild_sparse_tensor", _)? = archive.root?["x"] else {
            Issue.record("x is \(String(describing: archive.root?["x"]))")
            return
        }
    }

    @Test(arguments: [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("<!DOCTYPE html><html>", "web page"), ("GGUF\u{3}\0\0\0", "GGUF"), ("\u{1}\0\0\0\0\0\0\0", "header claims 1"),
        ("", "is empty"), ("PK\u{3}\u{4}", "without its directory"),
    ])
    func namesWhatAFileIs(text: String, problem: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text.utf8)
        let error = #expect(throws: TensorFileError.self) { try TensorArchive.open(path) }
        #expect(error?.description.hasPrefix(path) == true)
        #expect(error?.problem.contains(problem) == true)
    }
}
