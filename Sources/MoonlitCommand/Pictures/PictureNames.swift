import ArgumentParser
import Foundation

/// Where the pictures of a run are written: one where it is told, several into a folder, each named by its seed.
///
/// With a file of prompts, the prompt's number stands first, with as many digits for all: names sort as the prompts do.
struct PictureNames {
    private let output: OutputPath?
    private let areSeveral: Bool
    private let digits: Int?

    /// - Parameters:
    ///   - output: a file's name, or of several pictures a folder's; where there is none, they go where the program runs.
    ///   - count: pictures of a prompt.
    ///   - prompts: how many a file holds; nil without a file.
    init(_ output: OutputPath?, count: Int, prompts: Int?) {
        self.output = output
        areSeveral = count > 1 || prompts != nil
        digits = prompts.map { String($0).count }
    }

    /// - Parameter prompt: its place in the file, from 0.
    func path(prompt: Int, seed: UInt64) -> String {
        let name = number(of: prompt) + "moonlit-\(seed).png"
        guard let output else { return name }
        return areSeveral ? (output.path as NSString).appendingPathComponent(name) : output.path
    }

    /// Nothing is written over what the same run has written.
    ///
    /// - Parameter others: what is written besides, each with the option that names it.
    /// - Throws: `ValidationError` where two are one file, or one has a name of the pictures'.
    func check(apartFrom others: [(option: String, file: OutputPath?)]) throws {
        var taken: [String: String] = [:]
        for (option, file) in others {
            guard let file else { continue }
            let place = URL(fileURLWithPath: file.path).standardizedFileURL
            if isPicture(place) {
                throw ValidationError("\(option) \(file.path) is a picture's name; give another.")
            }
            if let other = taken.updateValue(option, forKey: place.path) {
                throw ValidationError("\(other) and \(option) are both \(file.path).")
            }
        }
    }

    /// Whether a picture may be written there, whatever its seed.
    private func isPicture(_ file: URL) -> Bool {
        let place = URL(fileURLWithPath: output?.path ?? FileManager.default.currentDirectoryPath).standardizedFileURL
        if output != nil, !areSeveral { return file.path == place.path }
        return file.deletingLastPathComponent().path == place.path
            && file.lastPathComponent.wholeMatch(of: /(?:\d+-)?moonlit-\d+\.png/) != nil
    }

    /// Makes the folder, or sees whether the first picture can be written.
    ///
    /// - Parameter seed: of the first picture.
    /// - Throws: `UnwritableError`.
    func prepare(seed: UInt64) throws {
        if areSeveral, let output {
            try output.makeFolder()
        } else {
            try OutputPath(path(prompt: 0, seed: seed)).checkWritable()
        }
    }

    private func number(of prompt: Int) -> String {
        guard let digits else { return "" }
        let number = String(prompt + 1)
        return String(repeating: "0", count: max(0, digits - number.count)) + number + "-"
    }
}
