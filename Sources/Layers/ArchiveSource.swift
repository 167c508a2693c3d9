public import Tensors

extension TensorArchive: TensorSource {
    public var sourceName: String { file.path }
    public var tensorNames: [String] { names }
    public func shape(of name: String) -> [Int]? { self[name]?.shape }
}

/// Several sources as one; the first that has a name gives it.
public struct JoinedSource: TensorSource {
    public let sources: [any TensorSource]

    public init(_ sources: [any TensorSource]) { self.sources = sources }

    public var sourceName: String { sources.map(\.sourceName).joined(separator: ", ") }
    public var tensorNames: [String] {
        var seen: Set<String> = []
        return sources.flatMap(\.tensorNames).filter { seen.insert($0).inserted }
    }
    public func shape(of name: String) -> [Int]? { sources.lazy.compactMap { $0.shape(of: name) }.first }
    public func tensor(_ name: String) throws -> Tensor {
        guard let source = sources.first(where: { $0.shape(of: name) != nil }) else {
            throw WeightError(source: sourceName, mistakes: [.missing(name, [])])
        }
        return try source.tensor(name)
    }
    public func nameInFile(_ name: String) -> String {
        (sources.first { $0.shape(of: name) != nil } ?? sources.first)?.nameInFile(name) ?? name
    }
    public func release(_ name: String) { sources.first { $0.shape(of: name) != nil }?.release(name) }
}

/// A source whose names begin with a prefix that the network does not know.
public struct PrefixedSource: TensorSource {
    public let source: any TensorSource
    public let prefix: String

    public init(_ source: any TensorSource, prefix: String) {
        self.source = source
        self.prefix = prefix
    }

    public var sourceName: String { source.sourceName }
    public var tensorNames: [String] {
        source.tensorNames.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
    public func shape(of name: String) -> [Int]? { source.shape(of: prefix + name) }
    public func tensor(_ name: String) throws -> Tensor { try source.tensor(prefix + name) }
    public func nameInFile(_ name: String) -> String { source.nameInFile(prefix + name) }
    public func release(_ name: String) { source.release(prefix + name) }
}
