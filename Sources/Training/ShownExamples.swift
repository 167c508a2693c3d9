internal import Datasets
internal import Images
internal import Tensors

/// A few pictures of a run's data, for the samples of networks that see pictures.
struct ShownExamples {
    let captions: [String]
    /// [N, 3, S, S] in −1…1.
    let pixels: Tensor

    init(of data: any CaptionedPictures, for configuration: TrainingConfiguration) throws {
        let loader = try BatchLoader(
            data, preparation: configuration.preparation, batchSize: min(4, configuration.samples.prompts.count),
            seed: configuration.samples.seed, tolerance: configuration.data.tolerance)
        let batch = try loader.batch(step: 0)
        captions = batch.captions
        pixels = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
    }

    /// For each, what the network sees, what it makes of it, and the truth.
    func sheet(seen: Tensor, drawn: [Picture]) throws -> [(picture: Picture, caption: String)] {
        let (seen, truth) = (try pictures(seen), try pictures(pixels))
        return captions.indices.flatMap { index in
            [(seen[index], "seen"), (drawn[index], captions[index]), (truth[index], "truth")]
        }
    }
}
