public import Checkpoints
public import Diffusion
import Foundation
import Models

/// A request with everything filled in that the model decides: enough, with the model, to draw the picture again.
///
/// Written into every PNG.
public struct Settings: Sendable, Hashable, Codable {
    public var prompt: String
    public var negativePrompt: String
    public var seed: UInt64
    public var sampler: SamplerName
    public var steps: Int
    public var schedule: String
    public var guidanceScale: Double
    public var width: Int
    public var height: Int
    public var clamp: GenerationRequest.Clamp
    /// The model's name.
    public var model: String

    /// Pictures above this are refused before anything is allocated: no pixel network here draws them.
    static let maximumSide = 4096

    /// - Throws: `GenerationError.invalid` naming the option that cannot be met.
    public init(_ request: GenerationRequest, model: ModelConfiguration) throws {
        let multiple = model.network.unet.sizeMultiple
        func side(_ value: Int?, _ option: String) throws -> Int {
            let value = value ?? model.imageSize
            guard (1...Self.maximumSide).contains(value), value % multiple == 0 else {
                throw GenerationError.invalid(
                    option: option, value: "\(value)",
                    expected: "a multiple of \(multiple) from \(multiple) to \(Self.maximumSide)")
            }
            return value
        }
        prompt = request.prompt
        negativePrompt = request.negativePrompt
        seed = request.seed
        sampler = request.sampler ?? model.sampling.sampler
        let sampling = model.sampling
        // The model's own spacing belongs to its own sampler and number of steps.
        let isOwn = (request.sampler ?? sampling.sampler) == sampling.sampler && request.steps ?? sampling.steps == sampling.steps
        schedule = request.schedule ?? (isOwn ? sampling.schedule : nil) ?? "default"
        steps = request.steps ?? sampling.steps
        guidanceScale = request.guidanceScale ?? sampling.guidanceScale
        width = try side(request.width, "width")
        height = try side(request.height, "height")
        clamp = request.clamp
        self.model = model.name
        guard (1...model.diffusion.steps).contains(steps) else {
            throw GenerationError.invalid(
                option: "steps", value: "\(steps)", expected: "1 to \(model.diffusion.steps), the model's own number")
        }
        guard guidanceScale.isFinite, abs(guidanceScale) <= 1000 else {
            throw GenerationError.invalid(
                option: "guidance-scale", value: "\(guidanceScale)", expected: "a number up to 1000")
        }
        for (option, value, range) in [
            ("count", request.count, 1...1_000_000), ("batch-size", request.batchSize, 1...4096),
        ] where !range.contains(value) {
            throw GenerationError.invalid(
                option: option, value: "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// One line or more, in the form that web interfaces for Stable Diffusion write and read.
    public var parametersText: String {
        var lines = [prompt]
        if !negativePrompt.isEmpty { lines.append("Negative prompt: \(negativePrompt)") }
        lines.append(
            "Steps: \(steps), Sampler: \(sampler.rawValue), Schedule type: \(schedule), CFG scale: \(guidanceScale), "
                + "Seed: \(seed), Size: \(width)x\(height), Model: \(model), Version: Moonlit")
        return lines.joined(separator: "\n")
    }

    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
