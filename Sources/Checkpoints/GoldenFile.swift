import Diffusion
import Models
public import Tensors

/// What another implementation computed with a model's weights: inputs and expected outputs of parts of it, in one
/// safetensors file, to hold ours against.
///
/// ```swift
/// let golden = try GoldenFile("base.golden.safetensors")
/// let model = try TextToImageModel(path: "base.pt")
/// for part in golden.parts { print(try golden.verify(part, of: model)) }
/// ```
public struct GoldenFile {
    public enum Part: String, Sendable, Codable, CaseIterable {
        /// One call of the network: `glide.x` [N, 3, H, W], `.timesteps` [N], `.tokens` and `.mask` [N, context],
        /// optional `.low_res`, `.inpaint_image` and `.inpaint_mask`, to `.output`.
        case network = "glide"
        /// Guided ancestral sampling as in OpenAI's notebook: `trajectory.initial_noise` [2N, 3, H, W], `.noise`
        /// [steps, 2N, …], `.tokens` and `.mask` [2N, context], `.timesteps` [steps], to `.output` [N, 3, H, W];
        /// the guidance scale and the seed in the metadata.
        case trajectory = "glide.trajectory"

        var prefix: String {
            switch self {
            case .network: "glide."
            case .trajectory: "trajectory."
            }
        }
    }

    public let archive: TensorArchive
    /// The parts whose inputs and outputs stand in the file.
    public let parts: [Part]

    /// - Throws: `TensorFileError`, or `CheckpointError` where the file holds nothing to compare with.
    public init(_ path: String) throws {
        let archive = try TensorArchive.open(path)
        self.archive = archive
        parts = Part.allCases.filter { archive[$0.prefix + "output"] != nil }
        if parts.isEmpty {
            throw CheckpointError(path, "holds no expected output", expected: "a tensor glide.output or trajectory.output")
        }
    }

    /// Runs a part of the model on the file's inputs.
    ///
    /// - Throws: `TensorFileError` for an input that is missing, `CheckpointError` for metadata that are, `TensorError`
    ///   where the inputs do not fit the model, `CancellationError` between two steps.
    public func verify(_ part: Part, of model: TextToImageModel) throws -> Comparison {
        let output =
            switch part {
            case .network: try network(model)
            case .trajectory: try trajectory(model)
            }
        return try Comparison(part: part.rawValue, output, expected: archive.tensor(part.prefix + "output"))
    }

    private func network(_ model: TextToImageModel) throws -> Tensor {
        func input(_ name: String) throws -> Tensor { try archive.tensor("glide." + name).to(device: model.device) }
        func optional(_ name: String) throws -> Tensor? { archive["glide." + name] == nil ? nil : try input(name) }
        return try withoutGradients {
            let text = try model.network.text(tokens: input("tokens"), mask: input("mask").to(.bool))
            let conditions = try GLIDE.Conditions(
                lowResolution: optional("low_res"), image: optional("inpaint_image"), mask: optional("inpaint_mask"))
            return try model.network(input("x"), timesteps: input("timesteps"), text: text, conditions: conditions)
        }
    }

    private func trajectory(_ model: TextToImageModel) throws -> Tensor {
        func input(_ name: String) throws -> Tensor {
            try archive.tensor("trajectory." + name).to(device: model.device)
        }
        guard let text = archive.metadata["guidance_scale"], let scale = Double(text) else {
            throw CheckpointError(archive.file.path, "says no guidance_scale in its metadata", expected: "a number")
        }
        let (tokens, mask, given) = try (input("tokens"), input("mask").to(.bool), input("initial_noise"))
        let rows = try given.size(0)
        guard rows > 0, rows % 2 == 0, tokens.shape.first == rows, mask.shape == tokens.shape else {
            throw CheckpointError(
                archive.file.path, "its trajectory has \(rows) pictures and tokens of shape \(tokens.shape)",
                expected: "as many conditional as unconditional ones")
        }
        let half = rows / 2
        // Every draw is there, and is that of PyTorch's generator from the seed; the seed is what a user gives.
        let noise: NoiseSource
        if let seed = archive.metadata["seed"].flatMap({ UInt64($0) }) {
            noise = .batch(try RandomGenerator(seed: seed), copies: 2)
        } else {
            noise = recorded(first: given, then: try input("noise"))
        }
        let states = try withoutGradients {
            try (0..<2).map { part in
                let range = part * half..<(part + 1) * half
                return try model.network.text(tokens: tokens.rows(range), mask: mask.rows(range))
            }
        }
        let denoiser = try model.denoiser(
            conditional: states[0], unconditional: states[1], guidance: ClassifierFreeGuidance(scale: scale))
        let steps = try input("timesteps").ints()
        var chain = try Chain(
            DDPM(), model.schedule.trajectory(.timesteps(steps)), denoiser,
            start: .noise([half] + given.shape.dropFirst(), device: model.device), noise: noise)
        return try chain.run()
    }

    /// The file's own draws in turn, of which the conditional half is used.
    private func recorded(first: Tensor, then draws: Tensor) -> NoiseSource {
        var index = -1
        return NoiseSource { shape, dtype, device in
            let draw = try index < 0 ? first : draws.at(index)
            index += 1
            return try draw.rows(0..<(shape.first ?? 0)).to(dtype, device: device)
        }
    }
}

/// How far an output lies from the expected one.
public struct Comparison: Sendable, Codable, Equatable {
    public var part: String
    public var shape: [Int]
    /// The largest |output − expected|.
    public var maximumAbsolute: Double
    /// ‖output − expected‖₂ / ‖expected‖₂, in double precision; of an all-zero expectation, ‖output‖₂.
    public var relativeL2: Double

    /// - Throws: `CheckpointError` where the shapes differ.
    init(part: String, _ output: Tensor, expected: Tensor) throws {
        guard output.shape == expected.shape else {
            throw CheckpointError(part, "the output has shape \(output.shape)", expected: "\(expected.shape)")
        }
        let (output, expected) = try (output.to(.float64, device: .cpu), expected.to(.float64, device: .cpu))
        let difference = try output - expected
        let norm = try expected.norm().item()
        self.part = part
        shape = output.shape
        maximumAbsolute = try difference.abs().max().item()
        relativeL2 = try difference.norm().item() / (norm > 0 ? norm : 1)
    }
}
