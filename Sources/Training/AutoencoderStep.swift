internal import Foundation
internal import Layers
package import Models
package import Tensors

/// One pass of an autoencoder and its discriminator over some pictures: losses, and both networks' gradients from the
/// weights as they stand (Esser et al. 2021, eq. 4 to 7; latent-diffusion `ldm/modules/losses/contperceptual.py` and
/// `vqperceptual.py`).
package struct AutoencoderStep {
    package let shape: TrainingConfiguration.AutoencoderShape
    package let network: Autoencoder
    package let discriminator: PatchDiscriminator?
    package let perceptual: PerceptualDistance?
    package let dtype: DType

    package init(
        _ shape: TrainingConfiguration.AutoencoderShape, network: Autoencoder, discriminator: PatchDiscriminator?,
        perceptual: PerceptualDistance?, dtype: DType = .float32
    ) {
        self.shape = shape
        self.network = network
        self.discriminator = discriminator
        self.perceptual = perceptual
        self.dtype = dtype
    }

    package struct Result {
        /// One a parameter.
        package var autoencoder: [Tensor?]
        package var discriminator: [Tensor?]
        /// Each picture's loss, what the discriminator says aside.
        package var losses: [Double]
        /// By name, a mean over the pictures.
        package var measures: [String: Double]
        /// The codes that were chosen.
        package var codes: [Int]
    }

    /// - Parameters:
    ///   - pictures: [N, 3, H, W] in −1…1.
    ///   - noise: [N, c, h, w], with which Gaussian latents are drawn.
    ///   - playing: whether the discriminator takes part.
    ///   - autoencoder, discriminator: each network's parameters.
    package func callAsFunction(
        _ pictures: Tensor, noise: Tensor?, playing: Bool, autoencoder: [Tensor], discriminator: [Tensor]
    ) throws -> Result {
        let pass = try forward(pictures, noise)
        // The picture as a leaf: every loss goes back to it by itself, and their sum once from there to the weights.
        let made = try pass.made.detach()
        try made.setRequiresGrad(true)
        let likeness = try likeness(made, pictures)
        var toPicture = try gradient(of: likeness.total.mean(), at: made)
        var measures = pass.measures
        measures.merge(likeness.measures) { $1 }
        measures["PSNR"] = try withoutGradients { try signalToNoise(made, pictures) }

        var verdict: [Tensor?] = discriminator.map { _ in nil }
        if playing, let judge = self.discriminator {
            let deceiving = try inType { try -judge(made).mean() }
            let toDeceive = try gradient(of: deceiving, at: made)
            let weight = try adaptiveWeight(toPicture, toDeceive, pass.features) * shape.adversarial.weight
            toPicture = try toPicture + toDeceive * weight
            let (truth, forgery) = try inType { try (judge(pictures), judge(made.detach())) }
            let hinge = try ((1 - truth).relu().mean() + (1 + forgery).relu().mean()) * 0.5
            verdict = try hinge.gradients(of: discriminator)
            measures["deceiving"] = try deceiving.item()
            measures["adversarial weight"] = weight
            measures["judging"] = try hinge.item()
        }
        let total = try (pass.made * toPicture).sum() + pass.regularisation.mean()
        return Result(
            autoencoder: try total.gradients(of: autoencoder), discriminator: verdict,
            losses: try (likeness.total.detach() + pass.regularisation.detach()).doubles(), measures: measures,
            codes: pass.codes)
    }

    // MARK: Forward

    private struct Pass {
        /// What the last layer sees, outside the graph.
        let features: Tensor
        let made: Tensor
        /// [N].
        let regularisation: Tensor
        let measures: [String: Double]
        let codes: [Int]
    }

    private func forward(_ pictures: Tensor, _ noise: Tensor?) throws -> Pass {
        let posterior = try inType { try network.encode(pictures) }
        let latents: Tensor
        let regularisation: Tensor
        var measures: [String: Double] = [:]
        var codes: [Int] = []
        if let codebook = network.codebook {
            let choice = try codebook.choose(posterior.mean)
            latents = choice.quantised
            regularisation = try choice.commitment * shape.commitmentWeight + choice.codebook * shape.codebookWeight
            measures["commitment"] = try choice.commitment.mean().item()
            codes = try choice.numbers.ints()
        } else if let divergence = try posterior.divergence() {
            latents = try noise.map { try posterior.sample(noise: $0) } ?? posterior.mode
            let numbers = pictures.shape.dropFirst().reduce(1, *)
            regularisation = try divergence * (shape.klWeight / Double(numbers))
            measures["divergence"] = try divergence.mean().item()
        } else {
            latents = posterior.mode
            regularisation = try .zeros([pictures.size(0)], device: pictures.device)
        }
        let (features, made) = try inType {
            let features = try network.beforeLastLayer(latents)
            return (features, try network.lastLayer(features).to(.float32))
        }
        return Pass(
            features: try features.detach(), made: made, regularisation: regularisation, measures: measures, codes: codes)
    }

    private func inType<Value>(_ body: () throws -> Value) rethrows -> Value {
        try withAutocast(dtype, device: network.lastLayer.weight.device, body)
    }

    // MARK: Losses

    /// How unlike the pictures are what was made of them, [N].
    private func likeness(_ made: Tensor, _ pictures: Tensor) throws -> (total: Tensor, measures: [String: Double]) {
        let difference = try made - pictures
        let pixels = try (shape.pixelLoss == .l1 ? difference.abs() : difference.square()).meanFlat()
        var measures = [shape.pixelLoss.rawValue.uppercased(): try pixels.mean().item()]
        guard let perceptual, shape.perceptual.weight > 0 else { return (pixels, measures) }
        let distance = try inType { try perceptual(pictures, made) }
        measures["perceptual"] = try distance.mean().item()
        return (try pixels + distance * shape.perceptual.weight, measures)
    }

    /// How much louder the likeness speaks to the last layer than the discriminator does (Esser et al. 2021, eq. 7, with
    /// the constants of the authors' code).
    private func adaptiveWeight(_ toLikeness: Tensor, _ toDeceive: Tensor, _ features: Tensor) throws -> Double {
        let weight = network.lastLayer.weight
        func loudness(_ seed: Tensor) throws -> Double {
            let made = try network.lastLayer(features.to(weight.dtype))
            return try gradient(of: made, at: weight, seed: seed).norm().item()
        }
        return min(max(try loudness(toLikeness) / (loudness(toDeceive) + 1e-4), 0), 1e4)
    }

    private func gradient(of value: Tensor, at place: Tensor, seed: Tensor? = nil) throws -> Tensor {
        try value.gradients(of: [place], seed: seed)[0] ?? .zeros(place.shape, device: place.device)
    }

    /// In decibels, a mean over the pictures, whose range is 2.
    private func signalToNoise(_ made: Tensor, _ pictures: Tensor) throws -> Double {
        let errors = try (made - pictures).square().meanFlat().doubles()
        return errors.reduce(0) { $0 + 10 * log10(4 / max($1, 1e-12)) } / Double(max(1, errors.count))
    }
}
