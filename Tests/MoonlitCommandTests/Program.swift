import Foundation
import Testing

/// The built program, run as a person runs it.
struct Program {
    struct Outcome {
        let status: Int32
        let output: String
        let messages: String

        /// The JSON object that is its output.
        func object() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
    }

    /// Beside the tests, where SwiftPM puts all products.
    static let url: URL? = { () -> URL? in
        var folders = [Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
        folders += Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }
            .map { $0.bundleURL.deletingLastPathComponent() }
        folders += [Bundle.main.executableURL, CommandLine.arguments.first.map { URL(fileURLWithPath: $0) }]
            .compactMap { $0?.resolvingSymlinksInPath().deletingLastPathComponent() }
        return folders.map { $0.appending(path: "moonlit") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    /// Starts it in a folder; its output goes to files there, its results elsewhere if a place for them is given.
    static func start(_ arguments: [String], in folder: Folder, printingTo place: String? = nil) throws -> Running {
        let process = Process()
        process.executableURL = try #require(url, "the program is not built beside the tests")
        process.arguments = arguments
        process.currentDirectoryURL = folder.url
        process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        let files = ["output", "messages"].map { folder.url.appending(path: ".\($0)-\(UUID().uuidString)") }
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: place.map { URL(fileURLWithPath: $0) } ?? files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        return Running(process: process, output: files[0], messages: files[1])
    }

    static func run(_ arguments: [String], in folder: Folder) throws -> Outcome {
        try start(arguments, in: folder).finish()
    }

    static func run(_ arguments: String..., in folder: Folder) throws -> Outcome { try run(arguments, in: folder) }

    struct Running {
        let process: Process
        let output: URL
        let messages: URL

        func finish() throws -> Outcome {
            process.waitUntilExit()
            return Outcome(
                status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
                output: try String(contentsOf: output, encoding: .utf8),
                messages: try String(contentsOf: messages, encoding: .utf8))
        }
    }
}

/// A folder that goes with the test.
final class Folder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "moonlit-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

    /// Without hidden ones.
    func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(folder)).filter { !$0.hasPrefix(".") }.sorted()
    }
}
