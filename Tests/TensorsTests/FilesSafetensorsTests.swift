import Foundation
import Tensors
import Testing

@Suite struct FilesSafetensorsTests {
    @Test func readsWhatPythonWrote() throws {
        let archive = try TensorArchive.open(fixture("types.safetensors"))
        #expect(archive.format == .safetensors)
        #expect(archive.metadata == ["format": "p\"t\\\n\u{1}é"])
        #expect(
            archive.names == [
                "int64", "float64", "empty", "float32", "scalar", "größe 🌙", "int32", "bfloat16", "float16", "int16",
                "int8", "uint8", "bool",
            ])
        for dtype in DType.allCases { #expect(try archive.entry(dtype.rawValue).dtype == dtype) }
        #expect(try archive.entry("float32").shape == [2, 3])
        #expect(try archive.elements("float32") == [1.5, -2.0, 3.25, 0.0, Float.infinity, -1e-30])
        #expect(try archive.elements("float16", as: UInt16.self) == [0x3800, 0xFBFF])
        #expect(try archive.elements("bfloat16", as: UInt16.self) == [0x3F80, 0x4049])
        #expect(try archive.elements("float64") == [0.1])
        #expect(try archive.elements("int64") == [-1, 1 << 62])
        #expect(try archive.elements("int32") == [-7, Int32.max])
        #expect(try archive.elements("int16") == [-300 as Int16])
        #expect(try archive.elements("int8") == [-128, 127 as Int8])
        #expect(try archive.elements("uint8") == [0, 255, 7 as UInt8])
        #expect(try archive.elements("bool") == [1, 0, 1 as UInt8])
        #expect(try archive.entry("scalar").shape.isEmpty)
        #expect(try archive.elements("scalar") == [42 as Float])
        #expect(try archive.entry("empty").shape == [0, 3])
        #expect(try archive.elements("empty", as: Float.self).isEmpty)
        #expect(try archive.entry("größe 🌙").shape == [1, 2, 2])
        #expect(try TensorArchive.open(fixture("none.safetensors")).entries.isEmpty)
    }

    /// Whatever order they come in, the bytes are the reference implementation's own.
    @Test func writesTheSameBytesAsPython() throws {
        let folder = try TemporaryFolder()
        for name in ["types.safetensors", "none.safetensors"] {
            let archive = try TensorArchive.open(fixture(name))
            let items = archive.entries.reversed().map { entry in
                Safetensors.Item(name: entry.name, dtype: entry.dtype, shape: entry.shape) { sink in
                    try archive.withUnsafeBytes(of: entry.name) { bytes in
                        // In pieces, as from a device.
                        for byte in bytes.indices { try sink(UnsafeRawBufferPointer(rebasing: bytes[byte...byte])) }
                    }
                }
            }
            let path = folder.path + "/" + name
            try Safetensors.write(items, metadata: archive.metadata, to: path)
            #expect(try contents(path) == contents(fixture(name)))
        }
        #expect(try folder.contents == ["none.safetensors", "types.safetensors"])
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "\"a\" twice"),
        (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "\"dtype\" twice"),
        (#"{"__metadata__":{"k":"v","k":"w"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "\"k\" twice"),
        (#"{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "lacks"),
        (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, "not whole"),
        (#"{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}"#, "not whole"),
        (#"{"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}"#, "leading zero"),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "non-negative"),
        (#"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#, "non-negative"),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, "too large"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, "overflows"),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, "expected 12"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}"#, "outside the file"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "starts at 0"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#, "tensor \"b\""),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "hole"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "before the file does"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, "not two data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[2]}}"#, "no dtype, shape or data_offsets"),
        (#"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#, "\"F33\" is not supported"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}x"#, "after its end"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}"#, "lacks"),
        (#"{"a\uD800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "lacks"),
        (#"{"a\uD800\u0041":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "surrogate"),
        ("{\"a\n\":{}}", "control character"),
        (#"{"a":"#, "ends too early"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":"# + String(repeating: "[", count: 100_000), "deeper than 64"),
    ])
    func refusesFalseHeaders(header: String, complaint: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(safetensors(Array(header.utf8), data: 8))
        let error = #expect(throws: TensorFileError.self) { try TensorArchive.open(path) }
        let text = error?.description ?? ""
        #expect(text.hasPrefix(path + ": ") && text.contains(complaint), "\(text)")
    }

    @Test func refusesHeadersThatAreNotUTF8() throws {
        let folder = try TemporaryFolder()
        var header = Array(#"{"a?":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#.utf8)
        _ = try TensorArchive.open(folder.write(safetensors(header, data: 8)))
        header[3] = 0xC3
        let error = #expect(throws: TensorFileError.self) {
            try TensorArchive.open(folder.write(safetensors(header, data: 8)))
        }
        #expect(error?.problem.contains("not UTF-8") == true)
    }

    /// Padding, unknown members and white space are the format's freedom.
    @Test func acceptsWhatTheFormatAllows() throws {
        let folder = try TemporaryFolder()
        let header = """
            {"b": {"shape": [], "data_offsets": [4, 8], "dtype": "I32", "note": [1.5e-3, {"x": null}, true]},
             "a\\ud83c\\udf19": {"dtype": "U8", "shape": [2, 2], "data_offsets": [0, 4]},
             "none": {"dtype": "F64", "shape": [0, 9223372036854775807, 4], "data_offsets": [4, 4]}}  \n
            """
        let archive = try TensorArchive.open(folder.write(safetensors(Array(header.utf8), data: 8)))
        #expect(archive.names == ["a🌙", "none", "b"])
        #expect(try archive.entry("none").elementCount == 0)
        #expect(archive["c"] == nil)
        #expect(throws: TensorFileError.self) { try archive.entry("c") }
    }

    @Test func refusesImpossibleHeaderLengths() throws {
        let folder = try TemporaryFolder()
        for length in [100_000_001, UInt64.max, 1 << 63, 3] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
            let error = #expect(throws: TensorFileError.self) {
                try TensorArchive.open(folder.write(bytes, to: "x.safetensors"))
            }
            #expect(error?.problem.contains("claims \(length) bytes") == true)
        }
        for count in 0..<8 {
            let path = try folder.write([UInt8](repeating: 1, count: count), to: "x.safetensors")
            #expect(throws: TensorFileError.self) { try TensorArchive.open(path) }
        }
    }

    @Test func namesTypesItDoesNotRead() throws {
        let error = #expect(throws: TensorFileError.self) { try TensorArchive.open(fixture("float8.safetensors")) }
        #expect(error?.kind == .unsupported)
        #expect(error?.tensor == "x")
        #expect(error?.description.contains("\"F8_E4M3\" is not supported") == true)
    }

    @Test func refusesFalseItems() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3])
        func item(_ name: String, _ shape: [Int], bytes: Int) -> Safetensors.Item {
            Safetensors.Item(name: name, dtype: .uint8, shape: shape) { sink in
                try [UInt8](repeating: 0, count: bytes).withUnsafeBytes(sink)
            }
        }
        struct Interrupted: Error {}
        let broken = Safetensors.Item(name: "z", dtype: .uint8, shape: [1]) { _ in throw Interrupted() }
        let good = item("a", [2], bytes: 2)
        for bad in [
            item("a", [1], bytes: 1), item("__metadata__", [1], bytes: 1), item("b", [-1], bytes: 0),
            item("b", [Int.max, 2], bytes: 0), item("b", [3], bytes: 2), item("b", [1], bytes: 2),
            item("b", [Int.max - 1], bytes: 0),
        ] {
            let error = #expect(throws: TensorFileError.self) { try Safetensors.write([good, bad], to: path) }
            #expect(error?.kind == .unwritable)
            #expect(error?.tensor == bad.name)
        }
        #expect(throws: Interrupted.self) { try Safetensors.write([good, broken], to: path) }
        #expect(try contents(path) == [1, 2, 3])
        #expect(try folder.contents == ["file"])
    }

    @Test func escapesMetadataAndSortsIt() throws {
        let folder = try TemporaryFolder()
        let metadata = ["z": "\u{8}\u{c}\r\t\u{1f}/", "a": "{\"json\": [1, \"🌙\"]}", "": ""]
        try Safetensors.write([], metadata: metadata, to: folder.path + "/m")
        #expect(try TensorArchive.open(folder.path + "/m").metadata == metadata)
        let text = try String(decoding: contents(folder.path + "/m").dropFirst(8), as: UTF8.self)
        #expect(text.hasPrefix(#"{"__metadata__":{"":"","a":"{\"json\": [1, \"🌙\"]}","z":"\b\f\r\t\u001f/"}}"#))
        #expect(text.utf8.count % 8 == 0)
    }

    private func safetensors(_ header: [UInt8], data: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + [UInt8](repeating: 0, count: data)
    }
}
