// How fast our kernels for the CPU are, beside libtorch's own operations, in turn:
//
//     swift run -c release KernelBench [--dtype float32|bfloat16] [--threads 1] [--rounds 8] [--only convolution|gradient|
//         linear|attention|trained-attention]
//
// A convolution's operations are counted as by the direct sum, so that Winograd's filtering may pass what the processor can do.
// "Ours" is what Moonlit does: where it has no kernel for a type on a processor, libtorch's by another way.
// The distance is between the two answers, relative, of all numbers together; where gradients are computed too, theirs follow.
import BenchOptions
import Foundation
import Tensors

guard let dtype = DType(rawValue: option("dtype") ?? "float32"), dtype == .float32 || dtype == .bfloat16 else {
    fatalError("--dtype is float32 or bfloat16")
}
let rounds = number("rounds", 8)
let generator = try RandomGenerator(seed: 0)
Engine.threads = number("threads", 1)

@MainActor func drawn(_ shape: [Int], deviation: Double = 1) throws -> Tensor {
    try (Tensor.randn(shape, generator: generator) * deviation).to(dtype)
}

/// What is timed; where it is made by a function, only what that returns is. Nil stands for a missing gradient.
typealias Work = () throws -> [Tensor?]
typealias Prepared = () throws -> Work

func seconds(_ work: Prepared) throws -> Double {
    let prepared = try work()
    let took = try ContinuousClock().measure { _ = try prepared() }.components
    return Double(took.seconds) + Double(took.attoseconds) * 1e-18
}

/// Both in turn, after a call of each; nothing where there is no kernel for it here.
@MainActor func compare(
    _ name: String, gigaflop: Double, ours: Prepared?, libtorch: Prepared
) throws {
    func padded(_ text: String, _ width: Int) -> String { text.padding(toLength: width, withPad: " ", startingAt: 0) }
    guard let ours else { return print("\(padded(name, 44))  no kernel for it on this processor") }
    var distances = ""
    for (a, b) in zip(try ours()(), try libtorch()()) {
        guard let a = try a?.to(.float64), let b = try b?.to(.float64) else { fatalError("\(name): no gradient") }
        let distance = try ((a - b).square().sum().item() / b.square().sum().item()).squareRoot()
        distances += String(format: "  %.1e", distance)
    }
    var best = (Double.infinity, Double.infinity)
    for _ in 0..<rounds { best = (min(best.0, try seconds(ours)), min(best.1, try seconds(libtorch))) }
    let figures = String(
        format: "%9.2f ms %7.0f GFLOP/s %9.2f ms %7.0f GFLOP/s %7.2f", best.0 * 1e3, gigaflop / best.0, best.1 * 1e3,
        gigaflop / best.1, best.0 / best.1)
    print(padded(name, 44) + figures + distances)
}

func isWanted(_ kind: String) -> Bool { option("only").map { $0 == kind } ?? true }

print("\(dtype.rawValue), \(number("threads", 1)) threads: ours, libtorch's, ours of libtorch's time, distance\n")

// Stable Diffusion 1.5's sizes, and two of the pixel model's of Configurations/scenes-64.
let pictures = [
    (2, 320, 320, 64), (2, 640, 640, 32), (2, 1280, 1280, 16), (2, 2560, 1280, 8), (1, 512, 512, 128), (1, 128, 128, 512),
    (32, 96, 96, 16), (32, 256, 256, 8),
]
for (count, channels, out, side) in pictures {
    let sizes = "\(count) × \(side)×\(side), \(channels) → \(out)"
    let flop = 18e-9 * Double(count * side * side * channels * out)
    let x = try drawn([count, channels, side, side]).channelsLast()
    let weight = try drawn([out, channels, 3, 3], deviation: 0.02)
    if isWanted("convolution") {
        try withoutGradients {
            let layer = try PackedConvolution(weight, stride: 1, padding: 1, for: x.shape)
            let ordered = try weight.channelsLast()
            try compare(
                "convolution \(sizes)", gigaflop: flop, ours: layer.map { layer in { { try [layer(x, bias: nil)] } } },
                libtorch: { { try [x.convolution(ordered, padding: 1)] } })
        }
    }
    if isWanted("gradient"), (256...8192).contains(count * side * side) {
        // libtorch's own is had, and is faster, with each channel's pixels together. Forwards is not timed.
        func gradient(_ x: Tensor) throws -> Work {
            let leaf = try weight.detach()
            try leaf.setRequiresGrad(true)
            let made = try x.convolution(leaf, padding: 1)
            let seed = try made.detach()
            return { try made.gradients(of: [leaf], seed: seed) }
        }
        let apart = try x.contiguous()
        try compare(
            "gradient by weights \(sizes)", gigaflop: flop, ours: { try gradient(x) }, libtorch: { try gradient(apart) })
    }
}

if isWanted("linear") {
    try withoutGradients {
        for (rows, width, out) in [
            (8192, 320, 320), (8192, 320, 2560), (8192, 640, 640), (2048, 1280, 1280), (2048, 1280, 10240), (2048, 5120, 1280), (512, 1280, 1280),
        ] {
            let (x, weight) = (try drawn([rows, width]), try drawn([out, width], deviation: 0.05))
            let layer = try PackedLinear(weight)
            try compare(
                "product \(rows) × \(width) → \(out)", gigaflop: 2e-9 * Double(rows * width * out),
                ours: layer.map { layer in { { try [layer(x, bias: nil)] } } }, libtorch: { { try [x.linear(weight)] } })
        }
    }
}

if isWanted("attention") {
    try withoutGradients {
        for (positions, width) in [(4096, 40), (1024, 80), (256, 160), (4096, 64)] {
            let parts = try (0..<3).map { _ in try drawn([2, 8, positions, width]) }
            try compare(
                "attention 2 × 8, \(positions) of \(width)", gigaflop: 64e-9 * Double(positions * positions * width),
                ours: { { try [Tensor.attention(parts[0], parts[1], parts[2])] } },
                libtorch: { { try [Tensor.libtorchAttention(parts[0], parts[1], parts[2])] } })
        }
    }
}

// There and back, as networks are trained: the pixels of Configurations/scenes-latent's two levels, and what is left to libtorch.
if isWanted("trained-attention") {
    for (count, heads, positions, width) in [(16, 4, 64, 32), (16, 6, 16, 32), (1, 8, 1024, 64)] {
        // Queries, keys, values and the gradient of what comes out, heads side by side in a row of memory.
        let parts = try (0..<4).map { _ in try drawn([count, positions, heads, width]).transpose(1, 2) }
        let (leaves, seed) = (Array(parts[..<3]), parts[3])
        for leaf in leaves { try leaf.setRequiresGrad(true) }
        func thereAndBack(_ attention: (Tensor, Tensor, Tensor) throws -> Tensor) throws -> [Tensor?] {
            let made = try attention(leaves[0], leaves[1], leaves[2])
            let gradients = try made.gradients(of: leaves, seed: seed)
            return [made] + gradients
        }
        // Two products there and four back: what is computed again is not counted.
        try compare(
            "trained attention \(count) × \(heads), \(positions) of \(width)",
            gigaflop: 12e-9 * Double(count * heads * positions * positions * width),
            ours: { { try thereAndBack { try Tensor.attention($0, $1, $2) } } },
            libtorch: { { try thereAndBack { try Tensor.libtorchAttention($0, $1, $2) } } })
    }
}
