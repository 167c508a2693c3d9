internal import CTorch

/// Where a tensor lives and is computed.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    case cpu
    /// An NVIDIA GPU. libtorch's CUDA library is opened at run time where it is there.
    case cuda(Int)
    /// Apple's GPU.
    case mps

    /// The first CUDA device, else MPS, else the CPU.
    public static var best: Device {
        if cudaDeviceCount > 0 { return .cuda(0) }
        return isMPSAvailable ? .mps : .cpu
    }

    /// CUDA devices that can be used now; 0 where libtorch's CUDA library or a driver is missing.
    public static var cudaDeviceCount: Int { Int(ct_cuda_count()) }
    public static var isMPSAvailable: Bool { ct_mps_available() }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .mps: "mps"
        }
    }

    /// Whether a type's arithmetic is made of another's here, many times slower than float32's: bfloat16 on an x86 processor
    /// without instructions for it.
    public func emulates(_ dtype: DType) -> Bool {
        #if arch(x86_64)
            self == .cpu && dtype == .bfloat16 && !ct_has_bfloat16()
        #else
            false
        #endif
    }

    /// Whether it computes faster in bfloat16 than in float32: CUDA, and x86 processors of AMD's with instructions for it or
    /// of Intel's with AMX. Of others it is not known.
    public var hasFastBFloat16: Bool {
        switch self {
        case .cpu: ct_has_fast_bfloat16()
        case .cuda: true
        case .mps: false
        }
    }

    /// Waits until all work given to the device is done. Nothing to wait for on the CPU.
    public func synchronize() throws {
        var error: UnsafeMutablePointer<ct_error>?
        guard ct_synchronize(c, &error) else {
            throw TensorError(consuming: error, operation: "synchronize", operands: [])
        }
    }

    var c: ct_device {
        switch self {
        case .cpu: ct_device(kind: Int32(CT_CPU), index: 0)
        case .cuda(let index): ct_device(kind: Int32(CT_CUDA), index: Int32(clamping: index))
        case .mps: ct_device(kind: Int32(CT_MPS), index: 0)
        }
    }

    init(_ c: ct_device) {
        switch c.kind {
        case Int32(CT_CUDA): self = .cuda(Int(c.index))
        case Int32(CT_MPS): self = .mps
        default: self = .cpu
        }
    }
}

extension DType {
    /// The number that the shim knows this type by.
    var c: Int32 {
        switch self {
        case .float32: 0
        case .float16: 1
        case .bfloat16: 2
        case .float64: 3
        case .int64: 4
        case .int32: 5
        case .int16: 6
        case .int8: 7
        case .uint8: 8
        case .bool: 9
        }
    }

    private static let ordered: [DType] = [
        .float32, .float16, .bfloat16, .float64, .int64, .int32, .int16, .int8, .uint8, .bool,
    ]

    init?(c: Int32) {
        guard Self.ordered.indices.contains(Int(c)) else { return nil }
        self = Self.ordered[Int(c)]
    }
}

/// Settings and facts of the whole process that libtorch keeps.
public enum Engine {
    /// libtorch's version.
    public static var version: String { String(cString: ct_version()) }

    /// Threads that one operation, begun by this thread, may use on the CPU; a thread that set none takes the number set last.
    public static var threads: Int {
        get { Int(ct_threads()) }
        set { ct_set_threads(Int32(clamping: newValue)) }
    }

    /// Whether this thread treats denormal numbers as zero: some runs are several times faster with it.
    public static func flushDenormals(_ on: Bool) { ct_set_flush_denormals(on) }

    /// Asks for memory in pages of 2 MB and keeps what tensors leave for the next ones, which suits large networks that draw,
    /// and not training. It sets the allocator of the whole process, which the command line does and the library leaves to
    /// its host. Linux alone; it counts where nothing has been computed yet.
    public static func expectLargeTensors() { ct_expect_large_tensors() }

    /// Suits the system's allocator to many large tensors. Once for the process; call it before threads are started.
    public static func tuneAllocator() { ct_tune_allocator() }

    /// Tensors that Swift holds now, over all threads; tests watch it.
    public static var liveTensors: Int { ct_live_tensors() }
}
