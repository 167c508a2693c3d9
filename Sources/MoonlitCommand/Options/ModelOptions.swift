import ArgumentParser
import Moonlit
import Tensors

/// Which model, and where and in what it computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Where to compute: auto, cpu, cuda, cuda:N or mps. auto takes a GPU where there is one.")
    var device = DeviceChoice.auto

    @Option(
        help: """
            What the network computes in; auto is float32, and bfloat16 on CUDA. int8: the U-Net's large matrix products in \
            whole numbers of 8 bits, the rest in bfloat16; for processors with AVX-512 VNNI and bfloat16.
            """)
    var dtype = DTypeChoice.auto

    @Option(help: "Threads an operation may use on the CPU; all cores unless given.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...4096).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 4096.")
        }
    }

    /// The process is for drawing from now on: what large tensors leave is kept.
    ///
    /// - Throws: `DeviceError` for a device this machine has not.
    func resolved() throws -> TextToImage.Options {
        Engine.expectLargeTensors()
        let device = try device.device()
        if dtype == .int8 {
            guard device == .cpu else {
                throw DeviceError(description: "--dtype int8 computes on the CPU; add --device cpu, or take bfloat16")
            }
            guard TextToImage.Options.hasInt8 else {
                throw DeviceError(
                    description: "--dtype int8: this processor lacks AVX-512's products of bytes and bfloat16; take float32")
            }
        }
        let chosen = dtype.dtype(on: device)
        Console.noteEmulation(of: chosen, on: device)
        return TextToImage.Options(dtype: chosen, device: device, threads: threads)
    }

    /// The same, for what computes on the calling thread: it is told how many threads it has.
    func applied() throws -> TextToImage.Options {
        let options = try resolved()
        if let threads = options.threads { Engine.threads = threads }
        return options
    }
}

enum DTypeChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, float32, bfloat16, float16, int8

    func dtype(on device: Device) -> DType {
        switch self {
        case .auto: if case .cuda = device { .bfloat16 } else { .float32 }
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .float16: .float16
        case .int8: .int8
        }
    }
}

enum DeviceChoice: ExpressibleByArgument {
    case auto, cpu, cuda(Int), mps

    init?(argument: String) {
        switch argument {
        case "auto": self = .auto
        case "cpu": self = .cpu
        case "cuda": self = .cuda(0)
        case "mps": self = .mps
        default:
            guard argument.hasPrefix("cuda:"), let index = Int(argument.dropFirst("cuda:".count)), index >= 0 else {
                return nil
            }
            self = .cuda(index)
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .auto: "auto"
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .mps: "mps"
        }
    }

    static var allValueStrings: [String] { ["auto", "cpu", "cuda", "mps"] }

    func device() throws -> Device {
        switch self {
        case .auto: return .best
        case .cpu: return .cpu
        case .cuda(let index):
            let count = Device.cudaDeviceCount
            guard index < count else {
                throw DeviceError(
                    description: "--device cuda:\(index): this machine offers \(count) CUDA devices to libtorch; "
                        + "use --device cpu, or install the CUDA set with make setup CUDA=1")
            }
            return .cuda(index)
        case .mps:
            guard Device.isMPSAvailable else {
                throw DeviceError(description: "--device mps: there is no Apple GPU here; use --device cpu")
            }
            return .mps
        }
    }
}

struct DeviceError: Error, CustomStringConvertible {
    let description: String
}

extension Console {
    /// Says so where a type is slow on this processor.
    static func noteEmulation(of dtype: DType, on device: Device) {
        guard device.emulates(dtype) else { return }
        say("note: this processor has no instructions for \(dtype.rawValue); --dtype float32 is many times faster here")
    }
}
