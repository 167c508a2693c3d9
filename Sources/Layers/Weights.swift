public import Tensors

/// Where a layer takes its parameters from: a place in a tree of names, such as `input_blocks.1.0.in_layers.0`.
///
/// Layers are built along a path, so that each key stands beside the field it fills:
///
/// ```swift
/// let store = WeightStore(.initial(generator))
/// let embed = try Linear(Weights(store) / "time_embed" / 0, in: 192, out: 768)
/// try store.finish()  // reports everything that was missing, left over or of the wrong shape
/// ```
public struct Weights {
    public let store: WeightStore
    public let path: String
    /// What parameters are kept in from here on; nil is the store's type.
    private let dtype: DType?

    public init(_ store: WeightStore, path: String = "") { self.init(store, path: path, dtype: nil) }

    private init(_ store: WeightStore, path: String, dtype: DType?) {
        self.store = store
        self.path = path
        self.dtype = dtype
    }

    public static func / (parent: Weights, name: String) -> Weights {
        Weights(parent.store, path: parent.path.isEmpty ? name : parent.path + "." + name, dtype: parent.dtype)
    }

    public static func / (parent: Weights, index: Int) -> Weights { parent / String(index) }

    /// The same place, from where on parameters are kept in float32 though the run's type has half the bits.
    package var widened: Weights {
        let isHalf = store.dtype == .float16 || store.dtype == .bfloat16
        return Weights(store, path: path, dtype: isHalf ? .float32 : nil)
    }

    /// The parameter `name` here, of exactly this shape.
    ///
    /// Where the file lacks it or has it in another shape, the store remembers that and hands out a stand-in, so that
    /// `finish()` can report all mistakes at once.
    public func parameter(_ name: String, _ shape: [Int], initial: Initial) throws -> Tensor {
        try store.take((self / name).path, shape: shape, initial: initial, dtype: dtype)
    }

    /// A parameter kept in float32 whatever the run's type: scales and shifts of normalisations.
    public func normParameter(_ name: String, _ shape: [Int], initial: Initial) throws -> Tensor {
        try store.take((self / name).path, shape: shape, initial: initial, dtype: .float32)
    }

    /// Where the network only draws: what packs this weight at its first use.
    package func packing<Packed>(of name: String) -> Packing<Packed>? { store.packing(of: (self / name).path) }
}

/// How a parameter begins.
public enum Initial: Sendable {
    case zeros, ones
    /// One number everywhere.
    case constant(Double)
    /// Normal with mean 0.
    case normal(deviation: Double)
    /// Uniform in ±bound: PyTorch's choice for linear and convolution layers is 1/√fanIn.
    case uniform(bound: Double)
}

/// A named source of tensors, such as a file.
public protocol TensorSource {
    /// For messages: the file's name.
    var sourceName: String { get }
    var tensorNames: [String] { get }
    /// The shape without reading the numbers; nil where there is no such tensor.
    func shape(of name: String) -> [Int]?
    func tensor(_ name: String) throws -> Tensor
    /// For messages: what the file itself calls this tensor, where a source shows it under another name.
    func nameInFile(_ name: String) -> String
    /// Called when a tensor has been copied: its source may give memory back.
    func release(_ name: String)
}

extension TensorSource {
    public func nameInFile(_ name: String) -> String { name }
    public func release(_ name: String) {}
}

/// All parameters of a network in the order in which it asks for them: drawn, or taken from a source.
public final class WeightStore {
    public enum Source {
        /// Draws initial values.
        case initial(RandomGenerator)
        case tensors(any TensorSource)
    }

    public let source: Source
    public let dtype: DType
    public let device: Device
    /// Whether the network only draws, so that its weights never change and may be kept as the kernels want them.
    private let onlyDraws: Bool
    /// Which weights may be kept in whole numbers of 8 bits.
    private let isQuantized: (String) -> Bool
    /// Every parameter, in order.
    public private(set) var parameters: [(name: String, value: Tensor)] = []
    private var names: Set<String> = []
    private var mistakes: [WeightError.Mistake] = []
    private var ignored: Set<String> = []
    /// Parameters that are the source's own tensors, not copies.
    private var shared: Set<String> = []

    /// - Parameters:
    ///   - dtype: the type parameters are converted to, whatever the file's; norms, and what is `widened`, stay in
    ///     float32.
    ///   - onlyDraws: promises that no parameter is changed afterwards.
    ///   - isQuantized: with int8, which matrices are multiplied in whole numbers; the others, and all else, in bfloat16.
    public init(
        _ source: Source, dtype: DType = .float32, device: Device = .cpu, onlyDraws: Bool = false,
        isQuantized: @escaping (String) -> Bool = { _ in false }
    ) {
        self.source = source
        self.dtype = dtype.computing
        self.isQuantized = dtype == .int8 ? isQuantized : { _ in false }
        self.device = device
        self.onlyDraws = onlyDraws
    }

    func packing<Packed>(of name: String) -> Packing<Packed>? {
        guard onlyDraws, case .tensors(let source) = source else { return nil }
        let isShared = shared.contains(name)
        return Packing(quantizes: isQuantized(name)) { if isShared { source.release(name) } }
    }

    /// Names the source may hold without a layer asking for them.
    public func ignore(where isIgnored: (String) -> Bool) {
        if case .tensors(let source) = source { ignored.formUnion(source.tensorNames.filter(isIgnored)) }
    }

    func take(_ name: String, shape: [Int], initial: Initial, dtype: DType? = nil) throws -> Tensor {
        guard names.insert(name).inserted else { throw WeightError(source: sourceName, mistakes: [.duplicate(name)]) }
        let made = try make(name, shape, initial)
        let value = try made.to(dtype ?? self.dtype, device: device)
        let isShared = made.dtype == value.dtype && made.device == value.device
        if isShared { shared.insert(name) }
        release(name, unless: isShared)
        parameters.append((name, value))
        return value
    }

    private func make(_ name: String, _ shape: [Int], _ initial: Initial) throws -> Tensor {
        switch source {
        case .initial(let generator):
            return try draw(shape, initial, generator)
        case .tensors(let source):
            guard let found = source.shape(of: name) else {
                mistakes.append(.missing(source.nameInFile(name), shape))
                return try .zeros([])
            }
            guard found == shape else {
                mistakes.append(.misshaped(source.nameInFile(name), expected: shape, found: found))
                return try .zeros([])
            }
            return try source.tensor(name)
        }
    }

    /// A file and its copy are not both in memory: one tensor at a time is.
    private func release(_ name: String, unless isSame: Bool) {
        if !isSame, case .tensors(let source) = source { source.release(name) }
    }

    private func draw(_ shape: [Int], _ initial: Initial, _ generator: RandomGenerator) throws -> Tensor {
        switch initial {
        case .zeros: try .zeros(shape)
        case .ones: try .ones(shape)
        case .constant(let value): try .full(shape, value)
        case .normal(let deviation): try .randn(shape, generator: generator) * deviation
        case .uniform(let bound): try (.rand(shape, generator: generator) * 2 - 1) * bound
        }
    }

    private var sourceName: String {
        switch source {
        case .initial: "drawn weights"
        case .tensors(let source): source.sourceName
        }
    }

    /// Reports every mistake of loading at once: missing, mis-shaped, and tensors nobody asked for.
    public func finish() throws {
        if case .tensors(let source) = source {
            for name in source.tensorNames where !names.contains(name) && !ignored.contains(name) {
                mistakes.append(.unexpected(source.nameInFile(name)))
            }
        }
        if !mistakes.isEmpty { throw WeightError(source: sourceName, mistakes: mistakes) }
    }

    /// The number of numbers in all parameters whose name `isIncluded`.
    public func parameterCount(where isIncluded: (String) -> Bool = { _ in true }) -> Int {
        parameters.reduce(0) { isIncluded($1.name) ? $0 + $1.value.count : $0 }
    }
}

/// Everything wrong with a set of weights.
public struct WeightError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Mistake: Equatable, Sendable {
        case missing(String, [Int])
        case unexpected(String)
        case misshaped(String, expected: [Int], found: [Int])
        case duplicate(String)
    }

    public let source: String
    public let mistakes: [Mistake]

    public init(source: String, mistakes: [Mistake]) {
        self.source = source
        self.mistakes = mistakes
    }

    public var description: String {
        let shown = mistakes.prefix(20).map { mistake in
            switch mistake {
            case .missing(let name, let shape): "  missing \(name) \(shape)"
            case .unexpected(let name): "  unexpected \(name)"
            case .misshaped(let name, let expected, let found): "  \(name) is \(found), expected \(expected)"
            case .duplicate(let name): "  \(name) is asked for twice"
            }
        }
        let more = mistakes.count > shown.count ? ["  and \(mistakes.count - shown.count) more"] : []
        return (["\(source): \(mistakes.count) tensors do not fit the network:"] + shown + more)
            .joined(separator: "\n")
    }
}

/// Tensors in memory as a source: averages, or a network built again with the same weights.
public struct TensorDictionary: TensorSource {
    public let sourceName: String
    private let tensors: [String: Tensor]
    public let tensorNames: [String]

    public init(_ tensors: [(name: String, value: Tensor)], name: String = "tensors in memory") {
        sourceName = name
        self.tensors = Dictionary(tensors.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        tensorNames = tensors.map(\.name)
    }

    public func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    public func tensor(_ name: String) throws -> Tensor {
        guard let tensor = tensors[name] else {
            throw WeightError(source: sourceName, mistakes: [.missing(name, [])])
        }
        return tensor
    }
}
