internal import CTorch

/// Owns one tensor of libtorch's; freed with the last reference.
final class Handle {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        ct_tensor_free(pointer)
    }
}

typealias ErrorSlot = UnsafeMutablePointer<UnsafeMutablePointer<ct_error>?>

/// Runs a call of the shim that makes a tensor; its error becomes Swift's. The operands outlive the call.
@inline(__always)
func make(
    _ operation: StaticString, _ operands: Tensor..., call: (ErrorSlot) -> OpaquePointer?
) throws -> Tensor {
    try make(operation, of: operands, call: call)
}

@inline(__always)
func make(_ operation: StaticString, of operands: [Tensor], call: (ErrorSlot) -> OpaquePointer?) throws -> Tensor {
    try withExtendedLifetime(operands) {
        var error: UnsafeMutablePointer<ct_error>?
        guard let pointer = call(&error) else {
            throw TensorError(consuming: error, operation: "\(operation)", operands: operands)
        }
        return Tensor(pointer)
    }
}

/// Runs a call of the shim that does something and tells whether it could.
@inline(__always)
func perform(_ operation: StaticString, _ operands: [Tensor], call: (ErrorSlot) -> Bool) throws {
    try withExtendedLifetime(operands) {
        var error: UnsafeMutablePointer<ct_error>?
        guard call(&error) else {
            throw TensorError(consuming: error, operation: "\(operation)", operands: operands)
        }
    }
}

/// The pointers of a list of tensors, valid within `body`.
func withPointers<Result>(
    _ tensors: [Tensor], _ body: (UnsafePointer<OpaquePointer?>?, Int32) throws -> Result
) rethrows -> Result {
    let pointers = tensors.map { Optional($0.pointer) }
    return try withExtendedLifetime(tensors) {
        try pointers.withUnsafeBufferPointer { try body($0.baseAddress, Int32($0.count)) }
    }
}
