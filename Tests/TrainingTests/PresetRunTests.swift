import Foundation
import Layers
import Models
import Tensors
import Testing
import Training

/// Every preset in small: all that it says but the sizes.
@Suite struct PresetRunTests {
    private func shrunk(_ name: String, in folder: String) throws -> TrainingConfiguration {
        var configuration = try TrainingConfiguration(presetOrFile: name)
        configuration.imageSize = 16
        configuration.batchSize = 4
        configuration.parts = 2
        configuration.steps = 4
        configuration.rate.warmup = 1
        configuration.textPretraining.steps = min(2, configuration.textPretraining.steps)
        configuration.textPretraining.batchSize = 4
        configuration.intervals.log = 2
        configuration.intervals.sample = 0
        configuration.intervals.checkpoint = 2
        configuration.network.modelChannels = 16
        configuration.network.levels = [
            .init(channels: 16, residualBlocks: 1, attention: false), .init(channels: 32, residualBlocks: 1, attention: true),
        ]
        (configuration.network.headWidth, configuration.network.normGroups) = (16, 8)
        configuration.network.patchSize = min(2, configuration.network.patchSize)
        configuration.network.pixelChannels = min(8, configuration.network.pixelChannels)
        if configuration.conditioning.crop > 0 {
            // Small pictures of three pixels a side: smaller ones are not blurred.
            configuration.conditioning.crop = 3 * configuration.conditioning.factor
            configuration.conditioning.cuts = min(2, configuration.conditioning.cuts)
        }
        configuration.network.text = smaller(configuration.network.text)
        configuration.contrastive.text = smaller(configuration.contrastive.text)
        configuration.contrastive.embedding = 12
        configuration.contrastive.picture =
            switch configuration.contrastive.picture {
            case .convolutional(let widths, let blocks, let layers, _):
                .convolutional(widths: widths.prefix(2).map { _ in 16 }, blocks: min(1, blocks), layers: min(1, layers), heads: 2)
            case .transformer: .transformer(patch: 4, width: 16, layers: 1, heads: 2)
            }
        configuration.autoencoder.levels = configuration.autoencoder.levels.map { _ in .init(channels: 8) }
        configuration.autoencoder.latentChannels = 2
        configuration.autoencoder.normGroups = 4
        configuration.autoencoder.codes = min(16, configuration.autoencoder.codes)
        configuration.autoencoder.adversarial.channels = 8
        configuration.autoencoder.adversarial.start = min(2, configuration.autoencoder.adversarial.start)
        // Too large a discriminator would see no patch of so small a picture.
        configuration.autoencoder.adversarial.layers = min(2, configuration.autoencoder.adversarial.layers)
        if configuration.kind == .latent { configuration.latent.autoencoder = try drawnAutoencoder(in: folder) }
        return configuration
    }

    private func smaller(_ text: TrainingConfiguration.TextShape) -> TrainingConfiguration.TextShape {
        var text = text
        (text.context, text.width, text.layers, text.heads, text.prune) = (8, 16, 1, 2, true)
        return text
    }

    @Test(arguments: TrainingConfiguration.presets.keys.sorted()) func trainsAndResumesToTheBit(name: String) throws {
        try withTemporaryFolder { folder in
            let configuration = try shrunk(name, in: folder)
            let whole = try expectResumedEqualsWhole(configuration, in: folder)
            #expect(FileManager.default.fileExists(atPath: whole.modelPath))
        }
    }
}
