/// A text file with a prompt a line, UTF-8.
public enum PromptFile {
    private static let largest = 16 << 20

    /// The lines, without spaces around them; blank ones are passed over, and nothing else is.
    ///
    /// - Throws: `DatasetError`, naming the file: it cannot be read, is no regular file or longer than 16 MiB, is not UTF-8
    ///   (with the line), or holds no prompt.
    public static func read(_ path: String) throws(DatasetError) -> [String] {
        let lines = try captions(inText: contents(of: path, atMost: largest), path: path)
        let prompts = lines.filter { !$0.isEmpty }
        guard !prompts.isEmpty else {
            throw .invalid("\(path) holds no prompt; a text file with a prompt a line was expected")
        }
        return prompts
    }
}
