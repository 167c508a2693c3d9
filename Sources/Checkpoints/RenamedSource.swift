public import Layers
public import Tensors

/// Where a parameter comes from in a file that has other names, or another form, for it.
public enum Origin: Sendable, Hashable {
    case whole(String)
    /// A part, along the first dimension, of a tensor in which several parameters are fused.
    case rows(String, Range<Int>)
    /// A matrix that the file holds transposed.
    case transposed(String)
    /// The same numbers in another shape, as a linear layer's [o, i] and a 1×1 convolution's [o, i, 1, 1].
    case reshaped(String, [Int])

    /// The tensor's name in the file.
    public var name: String {
        switch self {
        case .whole(let name), .rows(let name, _), .transposed(let name), .reshaped(let name, _): name
        }
    }

    /// The shape the parameter has; the file's own where the two do not go together, for the message.
    func shape(from found: [Int]) -> [Int] {
        switch self {
        case .whole: found
        case .rows(_, let range):
            if let count = found.first, range.upperBound <= count { [range.count] + found.dropFirst() } else { found }
        case .transposed: found.count == 2 ? found.reversed() : found
        case .reshaped(_, let shape): elementCount(shape) == elementCount(found) ? shape : found
        }
    }

    /// - Throws: `WeightError` where the file's tensor has no such part.
    func take(_ tensor: Tensor, source: String) throws -> Tensor {
        func refuse(_ expected: [Int]) -> WeightError {
            WeightError(source: source, mistakes: [.misshaped(name, expected: expected, found: tensor.shape)])
        }
        switch self {
        case .whole: return tensor
        case .rows(_, let range):
            guard let count = tensor.shape.first, range.upperBound <= count else {
                throw refuse([range.upperBound] + tensor.shape.dropFirst())
            }
            return try tensor.rows(range)
        case .transposed:
            guard tensor.shape.count == 2 else { throw refuse([0, 0]) }
            // Laid out as other layouts have it: products then sum in the same order.
            return try tensor.transpose(0, 1).contiguous()
        case .reshaped(_, let shape):
            guard elementCount(shape) == elementCount(tensor.shape) else { throw refuse(shape) }
            return try tensor.reshape(shape)
        }
    }
}

/// A source seen under other names.
///
/// Tensors of the base that no origin names show under their own names, so that the store reports them as unexpected;
/// messages call a parameter what the file calls it.
public struct RenamedSource: TensorSource {
    public let base: any TensorSource
    private let names: [String: Origin]
    public let tensorNames: [String]
    private let foreign: Set<String>

    /// - Parameter names: our name → where it comes from. Entries whose tensor the base lacks stand for missing ones.
    public init(_ base: any TensorSource, names: [String: Origin]) {
        self.base = base
        self.names = names
        let taken = Set(names.values.map(\.name))
        foreign = Set(base.tensorNames.filter { !taken.contains($0) })
        let ours = names.filter { base.shape(of: $0.value.name) != nil }.keys.sorted()
        // A foreign name that is also one of ours is hidden: ours goes first.
        tensorNames = ours + base.tensorNames.filter { !taken.contains($0) && names[$0] == nil }
    }

    public var sourceName: String { base.sourceName }

    public func shape(of name: String) -> [Int]? {
        if let origin = names[name] { return base.shape(of: origin.name).map(origin.shape(from:)) }
        return foreign.contains(name) ? base.shape(of: name) : nil
    }

    public func tensor(_ name: String) throws -> Tensor {
        guard let origin = names[name] else {
            guard foreign.contains(name) else {
                throw WeightError(source: sourceName, mistakes: [.missing(name, [])])
            }
            return try base.tensor(name)
        }
        return try origin.take(base.tensor(origin.name), source: sourceName)
    }

    public func nameInFile(_ name: String) -> String {
        base.nameInFile(names[name]?.name ?? name)
    }

    public func release(_ name: String) { base.release(names[name]?.name ?? name) }
}

/// The product of a shape, or nil where it overflows.
func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for extent in shape {
        let (next, overflow) = count.multipliedReportingOverflow(by: extent)
        if overflow { return nil }
        count = next
    }
    return count
}

extension Sequence<Int> {
    /// The sum of counts, or the largest number where it is larger: files can tell of more than there is.
    package func boundedSum() -> Int {
        reduce(0) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : next
        }
    }
}
