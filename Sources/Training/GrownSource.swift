package import Layers
package import Tensors

/// A network's weights and, for parts that it does not have yet, drawn ones.
package struct GrownSource: TensorSource {
    private let source: any TensorSource
    private let drawn: [String: Tensor]

    /// - Parameters:
    ///   - parameters: of the larger network, drawn.
    ///   - prefixes: of the parts' names; what else is missing stays missing.
    /// - Returns: nil where nothing is added.
    package init?(_ source: any TensorSource, by parameters: [(name: String, value: Tensor)], in prefixes: [String]) {
        let new = parameters.filter { name, _ in
            source.shape(of: name) == nil && prefixes.contains(where: name.hasPrefix)
        }
        guard !new.isEmpty else { return nil }
        self.source = source
        drawn = Dictionary(uniqueKeysWithValues: new)
    }

    package var sourceName: String { source.sourceName }
    package var tensorNames: [String] { source.tensorNames + drawn.keys.sorted() }
    package func shape(of name: String) -> [Int]? { drawn[name]?.shape ?? source.shape(of: name) }
    package func tensor(_ name: String) throws -> Tensor { try drawn[name] ?? source.tensor(name) }
    package func nameInFile(_ name: String) -> String { source.nameInFile(name) }
    package func release(_ name: String) { if drawn[name] == nil { source.release(name) } }
}
