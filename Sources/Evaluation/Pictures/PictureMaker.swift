public import Images

/// What draws pictures of texts.
public protocol PictureMaker {
    /// One picture a prompt; each depends on its own prompt and seed alone. "" is nobody's prompt: the unconditional case.
    func pictures(of prompts: [String], seeds: [UInt64]) throws -> [Picture]
}
