internal import CTorch

extension Tensor {
    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try full(shape, 0, dtype: dtype, device: device)
    }

    public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try full(shape, 1, dtype: dtype, device: device)
    }

    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try checkShape(shape, dtype, "full")
        return try make("full") { ct_full(shape, Int32(shape.count), value, dtype.c, device.c, $0) }
    }

    /// Memory that holds anything; for callers that fill all of it.
    package static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try checkShape(shape, dtype, "empty")
        return try make("empty") { ct_empty(shape, Int32(shape.count), dtype.c, device.c, $0) }
    }

    /// Numbers from `start`, below `end`, `step` apart.
    public static func arange(
        _ start: Double, _ end: Double, step: Double = 1, dtype: DType = .int64, device: Device = .cpu
    ) throws -> Tensor {
        try make("arange") { ct_arange(start, end, step, dtype.c, device.c, $0) }
    }

    /// 0, 1, 2 … below `end`.
    public static func arange(_ end: Double, dtype: DType = .int64, device: Device = .cpu) throws -> Tensor {
        try arange(0, end, dtype: dtype, device: device)
    }

    /// A copy of numbers in row-major order.
    public init(_ values: [Float], shape: [Int]? = nil) throws { try self.init(copying: values, shape, .float32) }
    public init(_ values: [Double], shape: [Int]? = nil) throws { try self.init(copying: values, shape, .float64) }
    public init(_ values: [Int], shape: [Int]? = nil) throws { try self.init(copying: values, shape, .int64) }
    public init(_ values: [UInt8], shape: [Int]? = nil) throws { try self.init(copying: values, shape, .uint8) }
    public init(_ values: [Bool], shape: [Int]? = nil) throws { try self.init(copying: values, shape, .bool) }

    /// A scalar.
    public init(_ value: Double, dtype: DType = .float32) throws { self = try .full([], value, dtype: dtype) }

    private init<Element>(copying values: [Element], _ shape: [Int]?, _ dtype: DType) throws {
        self = try values.withUnsafeBytes { try Tensor(bytes: $0, shape: shape ?? [values.count], dtype: dtype) }
    }

    /// A copy of raw bytes: little-endian elements in row-major order. They must be as many as the shape needs.
    public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws {
        try checkShape(shape, dtype, "tensor")
        self = try make("tensor") {
            ct_from_bytes(bytes.baseAddress, bytes.count, shape, Int32(shape.count), dtype.c, $0)
        }
    }

    /// A tensor over memory that `owner` keeps alive, without a copy. The memory must hold what shape and strides reach,
    /// and must not be written to through the tensor if it is not writable.
    package init(
        borrowing memory: UnsafeRawPointer, owner: AnyObject, shape: [Int], strides: [Int]? = nil, dtype: DType
    ) throws {
        try checkShape(shape, dtype, "tensor")
        if let strides { try checkStrides(strides, shape, dtype, "tensor") }
        let context = Unmanaged.passRetained(owner).toOpaque()
        let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
            if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
        }
        let memory = UnsafeMutableRawPointer(mutating: memory)
        self = try make("tensor") { error in
            if let strides {
                ct_from_memory(memory, shape, strides, Int32(shape.count), dtype.c, context, release, error)
            } else {
                ct_from_memory(memory, shape, nil, Int32(shape.count), dtype.c, context, release, error)
            }
        }
    }

    // MARK: Numbers out

    /// The single number of a tensor of one element.
    public func item() throws -> Double {
        var value = 0.0
        try perform("item", [self]) { ct_item(pointer, &value, $0) }
        return value
    }

    /// All elements in row-major order, as `Float`.
    public func floats() throws -> [Float] { try elements(as: .float32, zero: 0) }
    public func doubles() throws -> [Double] { try elements(as: .float64, zero: 0) }
    public func ints() throws -> [Int] { try elements(as: .int64, zero: 0) }
    public func bytes() throws -> [UInt8] { try elements(as: .uint8, zero: 0) }
    /// A byte of memory that is neither 0 nor 1 is true.
    public func bools() throws -> [Bool] { try elements(as: .bool, zero: UInt8(0)).map { $0 != 0 } }

    private func elements<Element>(as dtype: DType, zero: Element) throws -> [Element] {
        let source = try self.to(dtype)
        let count = source.count
        var values = [Element](repeating: zero, count: count)
        try values.withUnsafeMutableBytes { try source.copyBytes(to: $0) }
        return values
    }

    /// Copies the elements, in row-major order and in this tensor's own type, to memory of exactly their size.
    public func copyBytes(to buffer: UnsafeMutableRawBufferPointer) throws {
        try perform("copyBytes", [self]) { ct_copy_bytes(pointer, buffer.baseAddress, buffer.count, $0) }
    }

    // MARK: Copies

    /// The same numbers in another type or on another device; itself where nothing changes.
    public func to(_ dtype: DType? = nil, device: Device? = nil) throws -> Tensor {
        let wanted = (dtype ?? self.dtype, device ?? self.device)
        if wanted == (self.dtype, self.device) { return self }
        return try make("to", self) { ct_to(pointer, wanted.0.c, wanted.1.c, $0) }
    }

    /// The same, as another tensor: for loops that move what they compute beside `other`.
    public func to(like other: Tensor) throws -> Tensor { try to(other.dtype, device: other.device) }

    public func clone() throws -> Tensor { try make("clone", self) { ct_clone(pointer, $0) } }

    public func contiguous() throws -> Tensor { try make("contiguous", self) { ct_contiguous(pointer, false, $0) } }

    /// The same numbers, with the channel innermost in memory: convolutions run faster on [N, C, H, W] kept so.
    public func channelsLast() throws -> Tensor { try make("channelsLast", self) { ct_contiguous(pointer, true, $0) } }
}

/// Refuses shapes that are negative or whose size in bytes overflows, before libtorch sees them.
private func checkShape(_ shape: [Int], _ dtype: DType, _ operation: String) throws {
    var count = dtype.byteCount
    for length in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: length)
        guard length >= 0, !overflow else {
            throw TensorError(operation: operation, shapes: [shape], message: "no tensor can have this shape")
        }
        count = product
    }
}

/// Refuses strides that are not one a dimension, go backwards, or reach further than any memory: libtorch ends the process.
/// - Parameter shape: one that `checkShape` has passed.
private func checkStrides(_ strides: [Int], _ shape: [Int], _ dtype: DType, _ operation: String) throws {
    func refusal() -> TensorError {
        TensorError(operation: operation, shapes: [shape], message: "strides \(strides) do not fit the shape")
    }
    guard strides.count == shape.count, strides.allSatisfy({ $0 >= 0 }) else { throw refusal() }
    if shape.contains(0) { return }
    var last = 0
    for (length, stride) in zip(shape, strides) {
        let (reach, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
        let (sum, overflowed) = last.addingReportingOverflow(reach)
        guard !overflow, !overflowed, sum < Int.max / dtype.byteCount else { throw refusal() }
        last = sum
    }
}
