/// The small model in a folder of the test's own, and the program run on it.
extension Folder {
    /// One that holds the small model, `small.safetensors`.
    static func withSmallModel() throws -> Folder {
        let folder = try Folder()
        try SmallModel.write(to: folder.path("small.safetensors"))
        return folder
    }

    /// Runs a command that takes `--model`.
    func runOnSmallModel(_ command: String, _ arguments: [String]) throws -> Program.Outcome {
        try Program.run([command] + arguments + ["--model", "small.safetensors"], in: self)
    }

    func generate(_ arguments: [String]) throws -> Program.Outcome { try runOnSmallModel("generate", arguments) }
    func generate(_ arguments: String...) throws -> Program.Outcome { try generate(arguments) }
}
