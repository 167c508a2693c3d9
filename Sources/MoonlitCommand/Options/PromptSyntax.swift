import ArgumentParser
import Tokenizers

/// How a prompt's text is read.
enum PromptSyntax: String, ExpressibleByArgument, CaseIterable {
    case plain, weighted

    var reading: PromptReading { self == .plain ? .plain : .webUI }
}
