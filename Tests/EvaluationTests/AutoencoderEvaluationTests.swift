import Evaluation
import Foundation
import Images
import Layers
import Models
import Scenes
import Tensors
import Testing

@Suite struct AutoencoderEvaluationTests {
    private func autoencoder() throws -> Autoencoder {
        let configuration = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4, levels: [.init(channels: 8), .init(channels: 8)],
            residualBlocks: 1, normGroups: 4, scalingFactor: 1)
        return try Autoencoder(
            Weights(WeightStore(.initial(try RandomGenerator(seed: 2)))), configuration: configuration)
    }

    @Test func fidelityIsThatOfThePicturesShown() throws {
        let network = try autoencoder()
        var configuration = SceneConfiguration()
        configuration.split = .heldOut
        var pairs: [(real: Picture, made: Picture)] = []
        var told: [Int] = []
        let report = try AutoencoderEvaluation(
            network, name: "small", of: configuration, artwork: paperArtwork(), data: "scenes", count: 7, seed: 5,
            batchSize: 3, tell: { told.append($0) }, shown: { pairs.append(($0, $1)) })
        #expect(told == [3, 6, 7] && pairs.count == 7 && report.count == 7 && report.side == 64)
        #expect(report.compression == 3)
        var decibels: [Double] = []
        for pair in pairs {
            let pixels = try Tensor(pair.real.planes(), shape: [1, 3, 64, 64])
            let made = try network.decode(network.encode(pixels).mode).clamp(min: -1, max: 1).floats()
            let squares = zip(made, pair.real.planes()).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            decibels.append(10 * log10(4 / (squares / Double(made.count))))
            // What is shown is what was measured, in whole numbers.
            #expect(zip(pair.made.planes(), made).allSatisfy { abs($0 - $1) < 1 / 127 })
        }
        #expect(abs(report.overall.psnr - decibels.reduce(0, +) / 7) < 1e-3)
        #expect(abs(report.overall.lowestTenth - decibels.min()!) < 1e-3)
        #expect(report.styles.values.reduce(0) { $0 + $1.count } == 7)
        #expect(report.markdown.contains("| **all** | 7 |"))
    }
}
