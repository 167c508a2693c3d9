import Foundation
import Layers
import Models
import Tensors
import Testing

/// A golden file of `Tests/Fixtures/autoencoder`, from latent-diffusion's own code.
struct CompVisFixture {
    let file: TensorArchive
    let configuration: AutoencoderConfiguration

    static let kl = (
        "compvis-kl",
        AutoencoderConfiguration(
            kind: .kl, latentChannels: 5, zChannels: 3, channels: 8,
            levels: [.init(channels: 16), .init(channels: 8), .init(channels: 16, attention: true)], residualBlocks: 1,
            normGroups: 4, scalingFactor: 1)
    )
    static let vq = (
        "compvis-vq",
        AutoencoderConfiguration(
            kind: .vectorQuantised(codes: 20), latentChannels: 3,
            levels: [.init(channels: 8, attention: true), .init(channels: 16, attention: true)], normGroups: 4,
            scalingFactor: 1)
    )

    init(_ fixture: (name: String, configuration: AutoencoderConfiguration)) throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try .open(tests.appending(path: "Fixtures/autoencoder/\(fixture.name).safetensors").path)
        configuration = fixture.configuration
    }

    var weights: PrefixedSource { PrefixedSource(file, prefix: "weights.") }

    func network(dtype: DType = .float32) throws -> Autoencoder {
        let store = WeightStore(.tensors(weights), dtype: dtype)
        let network = try Autoencoder(Weights(store), configuration: configuration)
        try store.finish()
        return network
    }

    func error(_ found: Tensor?, _ name: String) throws -> Double {
        try relativeError(#require(found), file.tensor(name))
    }
}

/// Element by element against latent-diffusion's networks, whose keys load by name.
struct AutoencoderTests {
    static let types: [(DType, Double)] = [(.float32, 1e-5), (.bfloat16, 3e-2)]

    @Test(arguments: types)
    func theGaussianOneAgrees(dtype: DType, tolerance: Double) throws {
        let golden = try CompVisFixture(CompVisFixture.kl)
        let network = try golden.network(dtype: dtype)
        try withoutGradients {
            let posterior = try network.encode(golden.file.tensor("image"))
            let decoded = try network.decode(golden.file.tensor("latents"))
            #expect(posterior.mean.dtype == .float32 && decoded.dtype == .float32)
            for (found, name) in [
                (posterior.mean, "mean"), (posterior.logVariance, "log_variance"), (decoded, "decoded"),
            ] {
                let error = try golden.error(found, name)
                #expect(error < tolerance, "\(name) in \(dtype): relative L2 error \(error)")
            }
            // The last two channels of the fixture lie beyond a bound each, and outweigh the others.
            let found = try #require(posterior.logVariance)
            #expect(try found.max().item() == 20 && found.min().item() == -30)
            let error = try relativeError(
                found.narrow(1, start: 0, length: 3),
                golden.file.tensor("log_variance").narrow(1, start: 0, length: 3))
            #expect(error < tolerance, "log_variance within bounds in \(dtype): relative L2 error \(error)")
        }
    }

    @Test(arguments: types)
    func theVectorQuantisedOneAgrees(dtype: DType, tolerance: Double) throws {
        let golden = try CompVisFixture(CompVisFixture.vq)
        let network = try golden.network(dtype: dtype)
        let codebook = try #require(network.codebook)
        try withoutGradients {
            let posterior = try network.encode(golden.file.tensor("image"))
            #expect(posterior.logVariance == nil)
            let encoded = try golden.file.tensor("encoded")
            let codes = try golden.file.tensor("encoded_codes")
            #expect(try codebook.nearest(encoded).ints() == codes.ints())
            for (found, name) in [
                (posterior.mode, "encoded"), (try codebook.quantise(encoded), "encoded_quantised"),
                (try network.decode(encoded), "decoded"), (try network.decode(codes: codes), "decoded"),
            ] {
                let error = try golden.error(found, name)
                #expect(error < tolerance, "\(name) in \(dtype): relative L2 error \(error)")
            }
            if dtype == .float32 { #expect(try codebook.nearest(posterior.mode).ints() == codes.ints()) }
        }
    }

    @Test func namesEveryMisfitAtOnce() throws {
        let golden = try CompVisFixture(CompVisFixture.kl)
        func mistakes(_ configuration: AutoencoderConfiguration) throws -> [WeightError.Mistake] {
            let store = WeightStore(.tensors(golden.weights))
            _ = try Autoencoder(Weights(store), configuration: configuration)
            return try #require(throws: WeightError.self) { try store.finish() }.mistakes
        }
        var configuration = golden.configuration
        configuration.levels[0].attention = true
        configuration.latentChannels = 4
        // One attention in the encoder's level and two in the decoder's, ten tensors each; two convolutions.
        let found = try mistakes(configuration)
        #expect(found.count == 30 + 3)
        for mistake: WeightError.Mistake in [
            .missing("weights.encoder.down.0.attn.0.q.weight", [16, 16, 1, 1]),
            .missing("weights.decoder.up.0.attn.1.proj_out.bias", [16]),
            .misshaped("weights.quant_conv.weight", expected: [8, 6, 1, 1], found: [10, 6, 1, 1]),
            .misshaped("weights.quant_conv.bias", expected: [8], found: [10]),
            .misshaped("weights.post_quant_conv.weight", expected: [3, 4, 1, 1], found: [3, 5, 1, 1]),
        ] {
            #expect(found.contains(mistake))
        }
        configuration = golden.configuration
        configuration.middleAttention = false
        let left = try mistakes(configuration)
        #expect(left.count == 20 && left.contains(.unexpected("weights.decoder.mid.attn_1.q.bias")))
    }

    /// Counted by diffusers on networks of these sizes.
    @Test(arguments: [
        (PublishedAutoencoder.klF8, 83_653_863), (.stableDiffusionXL, 83_653_863), (.vqF4, 55_322_782),
    ])
    func hasThePublishedNumberOfParameters(published: PublishedAutoencoder, count: Int) throws {
        let store = WeightStore(.tensors(ShapeOnlySource()))
        _ = try Autoencoder(Weights(store), configuration: published.configuration)
        let error = try #require(throws: WeightError.self) { try store.finish() }
        let shapes = error.mistakes.compactMap { if case .missing(_, let shape) = $0 { shape } else { nil } }
        #expect(shapes.reduce(0) { $0 + $1.reduce(1, *) } == count)
    }

    @Test func publishedConfigurationsAreSound() throws {
        for published in PublishedAutoencoder.allCases {
            try published.configuration.validate()
            let name = published.rawValue
            if let digits = name.firstMatch(of: /f(\d+)/) {
                #expect(published.configuration.factor == Int(digits.output.1), "\(name)")
            }
            let json = try JSONEncoder().encode(published.configuration)
            #expect(try JSONDecoder().decode(AutoencoderConfiguration.self, from: json) == published.configuration)
        }
        #expect(PublishedAutoencoder.stableDiffusionXL.configuration.dtype(in: .float16) == .float32)
        #expect(PublishedAutoencoder.stableDiffusionXL.configuration.dtype(in: .bfloat16) == .bfloat16)
        #expect(PublishedAutoencoder.vqF4.configuration.dtype(in: .float16) == .float16)
    }

    /// Each picture of a batch is bit for bit what it is alone.
    @Test func aBatchIsItsPictures() throws {
        let golden = try CompVisFixture(CompVisFixture.kl)
        let network = try golden.network()
        try withoutGradients {
            let (latents, image) = (try golden.file.tensor("latents"), try golden.file.tensor("image"))
            let (decoded, encoded) = (try network.decode(latents), try network.encode(image).mean)
            for index in 0..<2 {
                let rows = index..<index + 1
                #expect(try (decoded.rows(rows) - network.decode(latents.rows(rows))).abs().max().item() == 0)
                #expect(try (encoded.rows(rows) - network.encode(image.rows(rows)).mean).abs().max().item() == 0)
            }
        }
    }

    @Test func latentsAreScaledAsADiffusionNetworkSeesThem() throws {
        var (name, configuration) = CompVisFixture.kl
        configuration.scalingFactor = 0.5
        configuration.shiftFactor = 0.25
        let plain = try CompVisFixture((name, configuration)).network()
        configuration.latentMean = [1, 2, 3, 4, 5]
        configuration.latentDeviation = [1, 1, 1, 1, 2]
        name = CompVisFixture.kl.0
        let normed = try CompVisFixture((name, configuration)).network()
        let latents = try Tensor.full([1, 5, 1, 1], 2.25)
        #expect(try plain.scaled(latents).floats() == [1, 1, 1, 1, 1])
        #expect(try normed.scaled(latents).floats() == [0.5, 0, -0.5, -1, -0.75])
        for network in [plain, normed] {
            #expect(try network.unscaled(network.scaled(latents)).floats() == latents.floats())
        }
    }

    @Test func shapesThatDoNotFit() throws {
        let kl = try CompVisFixture(CompVisFixture.kl).network()
        let vq = try CompVisFixture(CompVisFixture.vq).network()
        let cases: [(String, () throws -> Any)] = [
            ("[N, 5, h, w]", { try kl.decode(.zeros([1, 3, 4, 4])) }),
            ("[N, 5, h, w]", { try kl.decode(.zeros([5, 4, 4])) }),
            ("[N, 5, h, w]", { try kl.decodeTiled(.zeros([0, 5, 4, 4])) }),
            ("[N, 5, h, w]", { try kl.decode(.zeros([1, 5, 0, 4])) }),
            ("[N, 5, h, w]", { try kl.scaled(.zeros([5])) }),
            ("[N, 3, H, W] of at least 4 pixels", { try kl.encode(.zeros([1, 3, 3, 8])) }),
            ("[N, 3, H, W] of at least 4 pixels", { try kl.encodeTiled(.zeros([1, 1, 8, 8])) }),
            ("has no codes", { try kl.decode(codes: .zeros([1, 4, 4], dtype: .int64)) }),
            ("int64 numbers", { try vq.decode(codes: .zeros([1, 4, 4])) }),
            ("codes 0 to 19", { try vq.decode(codes: .full([1, 4, 4], 20, dtype: .int64)) }),
            ("codes 0 to 19", { try vq.decode(codes: .full([1, 4, 4], -1, dtype: .int64)) }),
            ("noise of the latents' shape", { try kl.encode(.zeros([1, 3, 8, 8])).sample(noise: .zeros([1])) }),
        ]
        for (words, body) in cases {
            let error = #expect(throws: TensorError.self, "\(words)") { _ = try body() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
        }
        for tiling in [Tiling(side: 1), Tiling(side: 1 << 40), Tiling(overlap: 0.6), Tiling(overlap: .nan)] {
            #expect(throws: ConfigurationError.self) { try kl.decodeTiled(.zeros([1, 5, 4, 4]), tiling: tiling) }
        }
    }

    @Test func configurationsThatCannotBe() throws {
        let changes: [(String, (inout AutoencoderConfiguration) -> Void)] = [
            ("1 to 8 levels", { $0.levels = [] }),
            ("1 to 8 levels", { $0.levels = Array(repeating: .init(channels: 8), count: 60) }),
            ("latentChannels", { $0.latentChannels = Int.max }),
            ("zChannels", { $0.zChannels = -1 }),
            ("groups", { $0.levels[1].channels = 6 }),
            ("channels", { $0.levels[1].channels = 1 << 40 }),
            ("groups", { $0.channels = 9 }),
            ("normGroups", { $0.normGroups = 0 }),
            ("residualBlocks", { $0.residualBlocks = 1 << 50 }),
            ("codes", { $0.kind = .vectorQuantised(codes: Int.max) }),
            ("cannot become", { $0.quantConvolution = false }),
            ("cannot become", { $0.postQuantConvolution = false }),
            ("scalingFactor", { $0.scalingFactor = 0 }),
            ("scalingFactor", { $0.scalingFactor = .nan }),
            ("shiftFactor", { $0.shiftFactor = .infinity }),
            ("go together", { $0.latentMean = [1] }),
            ("for 5 channels", { ($0.latentMean, $0.latentDeviation) = ([1], [1]) }),
            ("above 0", {
                ($0.latentMean, $0.latentDeviation) = ([0, 0, 0, 0, 0], [1, 1, 0, 1, 1])
            }),
            ("sampleSize", { $0.sampleSize = 0 }),
        ]
        for (words, change) in changes {
            var configuration = CompVisFixture.kl.1
            change(&configuration)
            let error = #expect(throws: ConfigurationError.self, "\(words)") { try configuration.validate() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
            // Asked before it is validated, nothing traps.
            _ = (configuration.factor, configuration.decodingBytes(height: Int.max, width: 1 << 40), configuration.tiling)
        }
    }
}
