internal import CTorch

/// An operation on tensors that could not be done: libtorch's exception, with the operation and the shapes it met.
public struct TensorError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable { case operation, outOfMemory, device }

    public let kind: Kind
    /// The operation's name, as in `Tensor`.
    public let operation: String
    /// The shapes of the tensors it was given.
    public let shapes: [[Int]]
    /// libtorch's own words, or ours.
    public let message: String

    public init(kind: Kind = .operation, operation: String, shapes: [[Int]] = [], message: String) {
        self.kind = kind
        self.operation = operation
        self.shapes = shapes
        self.message = message
    }

    public var description: String {
        let operands = shapes.map { "[" + $0.map(String.init).joined(separator: ", ") + "]" }
        let on = operands.isEmpty ? "" : " of " + operands.joined(separator: " and ")
        let what = kind == .outOfMemory ? "not enough memory for " : ""
        return "\(what)\(operation)\(on): \(message)"
    }
}

extension TensorError {
    /// Takes over an error from the shim and frees it.
    init(consuming error: UnsafeMutablePointer<ct_error>?, operation: String, operands: [Tensor]) {
        defer { ct_error_free(error) }
        let kind: Kind =
            switch error?.pointee.kind {
            case Int32(CT_ERROR_MEMORY): .outOfMemory
            case Int32(CT_ERROR_DEVICE): .device
            default: .operation
            }
        let message = (error?.pointee.message).map { String(cString: $0) } ?? "failed without a message"
        self.init(kind: kind, operation: operation, shapes: operands.map(\.shape), message: message)
    }
}
