import Checkpoints
import Diffusion
import Images
import Models
import Tensors

/// A request on its way: everything that its batches share.
struct Drawing {
    private let model: any DrawingModel
    private let request: GenerationRequest
    private let settings: Settings
    private let plan: SamplingPlan
    private let likeness: Likeness?
    /// The picture to begin with, and 1 where it is to be kept.
    private let given: (pixels: Tensor, kept: Tensor?)?

    /// Where it is written down how strongly the pictures attend to the prompt.
    private let attention: AttentionRecord?

    /// - Throws: `GenerationError` for a request that the model cannot meet.
    init(
        _ model: any DrawingModel, _ request: GenerationRequest, _ settings: Settings, likeness: Likeness?,
        attention: AttentionRecord? = nil
    ) throws {
        self.model = model
        self.attention = attention
        self.likeness = likeness
        self.request = request
        self.settings = settings
        given = try InitialPicture(request, width: settings.width, height: settings.height)?.tensors()
        let startsFromPicture = given.map { $0.kept == nil || (settings.strength ?? 1) < 1 } ?? false
        plan = try settings.plan(
            in: model.drawing.diffusion, strength: startsFromPicture ? settings.strength : nil)
    }

    private var sees: DrawingInput { model.drawing.sees }

    /// What a batch begins with, [N, C, h, w], and the chain from it to pictures: one seed a picture, and no picture
    /// depends on another.
    func chain(_ rows: Range<Int>, seeds: [UInt64]) throws -> (start: Tensor, chain: Chain) {
        let factor = model.drawing.latentFactor
        let shape = [seeds.count, model.drawing.latentChannels, settings.height / factor, settings.width / factor]
        let source = NoiseSource.perImage(try seeds.map { try RandomGenerator(seed: $0) })
        var asked = DrawingRequest(
            prompts: seeds.map { _ in settings.prompt }, negativePrompts: seeds.map { _ in settings.negativePrompt },
            reading: request.reading, skippedLayers: request.clipSkip - 1, height: settings.height,
            width: settings.width)
        asked.attention = attention
        if sees.seesLowResolution { asked.lowResolution = try lowResolution(rows) }

        // The draws are in the order of diffusers' pipelines: the picture's latents, the noise, the kept part's latents.
        let isAnew = (settings.strength ?? 1) >= 1
        let picture = try given.map { try batched($0.pixels, seeds.count) }
        var x0: Tensor?
        if let picture, given?.kept == nil || !isAnew || !sees.seesMask {
            x0 = try model.encode(picture, noise: source, tiling: settings.tiling ?? .auto)
        }
        let noise =
            try request.initialNoise?.tensor(rows).to(device: model.device) ?? source(shape, device: model.device)
        var kept: KeptRegion?
        var treatment = SampleTreatment(clamp: settings.clamp?.treatment ?? plan.clamp)
        if let picture, let mask = try given?.kept?.to(device: model.device) {
            let hidden = try picture * mask
            let small = try mask.resize(height: shape[2], width: shape[3], .nearest)
            if sees.seesMask {
                let latents = try model.encode(hidden, noise: source, tiling: settings.tiling ?? .auto)
                asked.known = KnownRegion(picture: latents, mask: try batched(small, seeds.count))
                if model.drawing.drawsPixels {
                    treatment = .keeping(picture, where: mask, clamp: treatment.clamp)
                }
            } else if let x0 {
                // diffusers encodes it here too, and uses it for networks that see it alone.
                if !model.drawing.drawsPixels { _ = try source(shape, device: model.device) }
                kept = KeptRegion(picture: x0, noise: noise, mask: small)
            }
        } else if sees.seesMask {
            asked.known = try nothingKnown(shape, source)
        }
        let network = try model.network(asked, guidance: settings.guidance)
        let guidance = try settings.clipGuidance.flatMap { _ in
            try likeness?.guidance(of: model, prompts: asked.prompts, settings: settings, sampler: plan.sampler)
        }
        let startsFromPicture = x0 != nil && (given?.kept == nil || !isAnew)
        let start: Start =
            if startsFromPicture, let x0 { .mixed(x0, noise: noise) } else {
                .given(noise, scale: sees.seesLowResolution ? Self.upsamplerNoise : 1)
            }
        let chain = try Chain(
            plan, plan.denoiser(treatment: treatment, gradient: guidance?.gradient, network), start: start, noise: source, keeping: kept)
        return (noise, chain)
    }

    /// GLIDE's upsampler begins with a little less noise than it was trained with.
    private static let upsamplerNoise = 0.997

    /// For an inpainting network without a picture: all is to be painted.
    private func nothingKnown(_ shape: [Int], _ source: NoiseSource) throws -> KnownRegion {
        let grey = try Tensor.zeros([shape[0], 3, settings.height, settings.width], device: model.device)
        return KnownRegion(
            picture: try model.encode(grey, noise: source, tiling: settings.tiling ?? .auto),
            mask: try .zeros([shape[0], 1, shape[2], shape[3]], device: model.device))
    }

    private func lowResolution(_ rows: Range<Int>) throws -> Tensor {
        let small = request.lowResolution ?? []
        guard let first = small.first, small.count == request.drawn,
            small.allSatisfy({ $0.width == first.width && $0.height == first.height })
        else {
            throw GenerationError.invalid(
                option: "upscale", value: "\(small.count) pictures", expected: "as many of one size as are to be drawn")
        }
        let values = try rows.flatMap { try small[$0].picture().planes() }
        return try Tensor(values, shape: [rows.count, 3, first.height, first.width]).to(device: model.device)
    }

    /// [1, C, H, W] → [N, C, H, W].
    private func batched(_ tensor: Tensor, _ count: Int) throws -> Tensor {
        try tensor.to(device: model.device).expand([count] + tensor.shape.dropFirst()).contiguous()
    }

    /// What the sampler works on as pictures. What is kept of a given one stays to the bit, though a decoder would change it.
    func pictures(_ x: Tensor) throws -> [Picture] {
        var drawn = try model.decode(x, tiling: settings.tiling ?? .auto)
        if !model.drawing.drawsPixels, let given, let kept = given.kept {
            drawn = try drawn.to(.float32).to(device: .cpu) * (1 - kept) + given.pixels * kept
        }
        return try Moonlit.pictures(drawn)
    }
}

/// Tensors [N, 3, H, W] in −1…1 as pictures.
func pictures(_ x: Tensor) throws -> [Picture] {
    let shape = x.shape
    return try (0..<shape[0]).map { try Picture(planes: x.at($0).floats(), width: shape[3], height: shape[2]) }
}
