/// Why a tokenizer could not be made. Once made, a tokenizer takes any text and never fails.
public enum TokenizerError: Error, Hashable, Sendable {
    /// A vocabulary file is nowhere it is looked for.
    case missingVocabulary(file: String, searched: [String])
    /// A vocabulary file cannot be read, or says something it should not.
    case damagedVocabulary(file: String, line: Int, reason: String)
    /// A file beside a model cannot be read, or says something it should not.
    case damagedFile(path: String, problem: String)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingVocabulary(let file, let searched):
            "the tokenizer's file \(file) was not found in \(searched.joined(separator: ", nor in ")); "
                + "keep the folder \(VocabularyFolder.bundleName) beside the program"
        case .damagedVocabulary(let file, let line, let reason):
            "\(file), line \(line): \(reason); put back the file that Moonlit was built with"
        case .damagedFile(let path, let problem):
            "\(path): \(problem)"
        }
    }
}
