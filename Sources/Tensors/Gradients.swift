internal import CTorch

extension Tensor {
    public var requiresGrad: Bool { withExtendedLifetime(handle) { ct_requires_grad(pointer) } }

    /// Marks a leaf so that `backward` accumulates its gradient.
    package func setRequiresGrad(_ on: Bool) throws {
        try perform("requiresGrad", [self]) { ct_set_requires_grad(pointer, on, $0) }
    }

    /// The same numbers outside the graph.
    public func detach() throws -> Tensor { try make("detach", self) { ct_detach(pointer, $0) } }

    /// Adds this scalar's gradient to every leaf that requires one.
    public func backward(seed: Tensor? = nil) throws {
        try perform("backward", [self] + (seed.map { [$0] } ?? [])) { ct_backward(pointer, seed?.pointer, $0) }
    }

    /// A leaf's accumulated gradient.
    public var gradient: Tensor? { withExtendedLifetime(handle) { ct_gradient(pointer).map(Tensor.init) } }

    package func clearGradient() { withExtendedLifetime(handle) { ct_clear_gradient(pointer) } }
    package func setGradient(_ gradient: Tensor) throws {
        try perform("setGradient", [self, gradient]) { ct_set_gradient(pointer, gradient.pointer, $0) }
    }

    /// d(Σ seed · self) / d(inputs); nil where an input does not matter. Leaves' own gradients are not touched.
    public func gradients(of inputs: [Tensor], seed: Tensor? = nil) throws -> [Tensor?] {
        var out = [OpaquePointer?](repeating: nil, count: inputs.count)
        try withPointers(inputs) { pointers, n in
            try perform("gradients", [self] + (seed.map { [$0] } ?? [])) {
                ct_gradients_of(pointer, seed?.pointer, pointers, n, &out, $0)
            }
        }
        return out.map { $0.map(Tensor.init) }
    }
}

extension Tensor {
    /// Whether operations on this thread record a graph.
    public static var isRecordingGradients: Bool { ct_grad_mode() }
}

/// Runs `body` without recording a graph.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_set_grad_mode(false)
    defer { _ = ct_set_grad_mode(before) }
    return try body()
}

/// Runs `body` with a graph recorded, also within `withoutGradients`.
public func withGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_set_grad_mode(true)
    defer { _ = ct_set_grad_mode(before) }
    return try body()
}

/// Runs `body` with matrix products and convolutions computed in `dtype` (PyTorch's autocast); nil does nothing.
public func withAutocast<Result>(
    _ dtype: DType?, device: Device, _ body: () throws -> Result
) rethrows -> Result {
    guard let dtype, dtype != .float32 else { return try body() }
    let kind = device.c.kind
    let before = ct_set_autocast(kind, ct_autocast(on: true, dtype: dtype.c))
    defer { _ = ct_set_autocast(kind, before) }
    return try body()
}
