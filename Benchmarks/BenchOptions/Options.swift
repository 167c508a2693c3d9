/// What stands behind `--name` on the command line; nil where it does not stand there.
public func option(_ name: String) -> String? {
    let arguments = CommandLine.arguments
    guard let at = arguments.firstIndex(of: "--" + name), at + 1 < arguments.count else { return nil }
    return arguments[at + 1]
}

/// A whole number there, `usual` where there is none, and `least` where it is smaller.
public func number(_ name: String, _ usual: Int, least: Int = 1) -> Int {
    max(least, option(name).flatMap { Int($0) } ?? usual)
}
