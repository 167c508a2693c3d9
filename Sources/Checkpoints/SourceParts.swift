public import Layers
public import Tensors

/// A part of a source: the tensors under a prefix (without it), or all but some.
public struct SourcePart: TensorSource {
    public let base: any TensorSource
    private let prefix: String
    public let tensorNames: [String]
    private let known: Set<String>

    /// - Parameters:
    ///   - prefix: with its dot; what stands after it is the name here.
    ///   - isIgnored: of names without the prefix: buffers, averages, what belongs to training.
    public init(_ base: any TensorSource, prefix: String = "", ignoring isIgnored: (String) -> Bool = { _ in false }) {
        self.base = base
        self.prefix = prefix
        tensorNames = base.tensorNames.compactMap { name in
            guard name.utf8.starts(with: prefix.utf8) else { return nil }
            let rest = String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
            return isIgnored(rest) ? nil : rest
        }
        known = Set(tensorNames)
    }

    public var sourceName: String { base.sourceName }
    public func shape(of name: String) -> [Int]? { known.contains(name) ? base.shape(of: prefix + name) : nil }
    public func tensor(_ name: String) throws -> Tensor {
        guard known.contains(name) else { throw WeightError(source: sourceName, mistakes: [.missing(name, [])]) }
        return try base.tensor(prefix + name)
    }
    public func nameInFile(_ name: String) -> String { base.nameInFile(prefix + name) }
    public func release(_ name: String) { base.release(prefix + name) }
}
