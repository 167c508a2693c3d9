package import Datasets
package import Models
package import Tensors

/// By what latents are multiplied so that their deviation is 1, as a diffusion's noise is (Rombach et al. 2022, §G).
package struct LatentScale {
    private let loader: BatchLoader

    /// Pictures that it is measured over.
    private static let pictures = 64
    private static let atATime = 16

    package init(_ data: any CaptionedPictures, _ configuration: TrainingConfiguration) throws {
        loader = try BatchLoader(
            data, preparation: configuration.preparation, batchSize: Self.atATime, seed: configuration.seed &+ 2,
            tolerance: configuration.data.tolerance)
    }

    /// 1 / the deviation of all numbers of drawn latents together; 1 where they are all the same.
    package func measured(of network: Autoencoder, device: Device = .cpu) throws -> Double {
        let generator = try RandomGenerator(seed: 0)
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        try withoutGradients {
            for step in 0..<Self.pictures / Self.atATime {
                let batch = try loader.batch(step: step)
                let pictures = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
                let posterior = try network.encode(pictures.to(device: device))
                let noise = try Tensor.randn(posterior.mean.shape, generator: generator).to(device: device)
                let latents = try posterior.sample(noise: noise).to(device: .cpu).to(.float64)
                count += Double(latents.count)
                sum += try latents.sum().item()
                squares += try latents.square().sum().item()
            }
        }
        let variance = squares / count - (sum / count) * (sum / count)
        return variance.isFinite && variance > 1e-12 ? 1 / variance.squareRoot() : 1
    }
}
