import Checkpoints
import Datasets
import Diffusion
import Images
import Layers
import Models
import Tensors
import Testing
import Training

/// The small pictures and the holes that networks are shown while they are trained.
@Suite struct ConditioningTests {
    private func pixels(_ count: Int, side: Int, seed: UInt64 = 3) throws -> Tensor {
        try Tensor.rand([count, 3, side, side], generator: RandomGenerator(seed: seed)) * 2 - 1
    }

    private func shape(
        crop: Int = 0, cuts: Int = 1, blur: Double = 0, noise: Double = 0
    ) -> TrainingConfiguration.ConditioningShape { .init(factor: 4, crop: crop, cuts: cuts, blur: blur, noise: noise) }

    @Test func theSmallPictureIsTheMeanInEightBits() throws {
        let large = try pixels(2, side: 16)
        let made = try Conditioning(shape(), input: .lowResolution)(large, seed: 1)
        let small = try #require(made.conditions.lowResolution)
        #expect(small.shape == [2, 3, 4, 4])
        #expect(try made.x0.floats() == large.floats())
        let mean = try large.averagePool(4).floats()
        for (value, mean) in zip(try small.floats(), mean) {
            let bytes = (value + 1) * 127.5
            #expect(abs(bytes - bytes.rounded()) < 1e-3 && abs(value - mean) < 0.5 / 127.5 + 1e-6)
        }
    }

    /// A cut-out's small picture is the whole one's, cut out.
    @Test func cropsKeepToTheGrid() throws {
        let large = try pixels(3, side: 32)
        let whole = try #require(try Conditioning(shape(), input: .lowResolution)(large, seed: 1).conditions.lowResolution)
        let made = try Conditioning(shape(crop: 8, cuts: 2), input: .lowResolution)(large, seed: 5)
        let small = try #require(made.conditions.lowResolution)
        #expect(made.x0.shape == [6, 3, 8, 8] && small.shape == [6, 3, 2, 2])
        for index in 0..<6 {
            let wanted = try small.narrow(0, start: index, length: 1).floats()
            var places: [(Int, Int)] = []
            for y in 0...6 {
                for x in 0...6 {
                    let part = try whole.narrow(0, start: index / 2, length: 1).narrow(2, start: y, length: 2)
                        .narrow(3, start: x, length: 2)
                    if try part.floats() == wanted { places.append((x, y)) }
                }
            }
            #expect(places.count == 1)
        }
    }

    @Test func blurAndNoiseSpoilTheSmallPicture() throws {
        let large = try pixels(8, side: 32)
        func small(_ shape: TrainingConfiguration.ConditioningShape, seed: UInt64 = 2) throws -> Tensor {
            try #require(try Conditioning(shape, input: .lowResolution)(large, seed: seed).conditions.lowResolution)
        }
        func spread(_ x: Tensor) throws -> Double { try ((x * x).mean().item() - pow(x.mean().item())).squareRoot() }
        func pow(_ x: Double) -> Double { x * x }
        let (plain, blurred, noisy) = try (small(shape()), small(shape(blur: 2)), small(shape(noise: 0.5)))
        #expect(try spread(blurred) < 0.8 * spread(plain))
        let difference = try noisy - plain
        let deviation = try spread(difference)
        #expect(deviation > 0.15 && deviation < 0.45, "\(deviation)")
        // A plane stays what it is under the blur, up to its border.
        let plane = try Tensor.full([1, 3, 32, 32], 0.5)
        let kept = try #require(
            try Conditioning(shape(blur: 2), input: .lowResolution)(plane, seed: 4).conditions.lowResolution)
        #expect(try kept.floats().allSatisfy { abs($0 - 0.5) < 0.5 / 127.5 + 1e-5 })
        // The same seed draws the same.
        #expect(try small(shape(blur: 1, noise: 0.1)).floats() == small(shape(blur: 1, noise: 0.1)).floats())
        #expect(try small(shape(blur: 1, noise: 0.1)).floats() != small(shape(blur: 1, noise: 0.1), seed: 3).floats())
    }

    /// The small pictures that pass through an autoencoder are what it gives back; without noise, exactly.
    @Test func smallPicturesPassThroughAnAutoencoder() throws {
        try withTemporaryFolder { folder in
            let path = try drawnAutoencoder(in: folder)
            let network = try AutoencoderFile(path).load()
            let large = try pixels(12, side: 32)
            func small(_ shape: TrainingConfiguration.ConditioningShape) throws -> Tensor {
                let made = try Conditioning(shape, input: .lowResolution, autoencoder: network)(large, seed: 2)
                return try #require(made.conditions.lowResolution)
            }
            var shape = shape()
            (shape.decoded, shape.latentNoise) = (1, 0)
            let plain = try large.averagePool(4)
            let wanted = try withoutGradients {
                try network.decode(network.encode(plain).mean).clamp(min: -1, max: 1)
            }
            let rounding = 0.5 / 127.5 + 1e-4
            #expect(try (small(shape) - wanted).abs().max().item() < rounding)
            shape.latentNoise = 1
            #expect(try (small(shape) - wanted).abs().max().item() > 0.02)
            // Some of them, whole pictures; and squares are cut from the decoded whole.
            (shape.decoded, shape.latentNoise) = (0.5, 0)
            let some = try small(shape)
            var passed = 0
            for index in 0..<12 {
                let own = try some.rows(index..<index + 1)
                let isPlain = try (own - plain.rows(index..<index + 1)).abs().max().item() < rounding
                let isDecoded = try (own - wanted.rows(index..<index + 1)).abs().max().item() < rounding
                #expect(isPlain != isDecoded)
                if isDecoded { passed += 1 }
            }
            #expect((1...11).contains(passed))
            (shape.decoded, shape.crop) = (1, 16)
            let cut = try small(shape)
            #expect(cut.shape == [12, 3, 4, 4])
            let corners = (0...4).flatMap { y in (0...4).map { x in (x, y) } }
            let first = try cut.rows(0..<1)
            #expect(try corners.contains { x, y in
                let part = try wanted.rows(0..<1).narrow(2, start: y, length: 4).narrow(3, start: x, length: 4)
                return try (part - first).abs().max().item() < rounding
            })

            var configuration = TrainingConfiguration.tiny
            configuration.network.input = .lowResolution
            configuration.conditioning = .init(factor: 4, autoencoder: folder + "/none")
            let error = #expect(throws: TrainingError.self) { try Conditioning(configuration, input: .lowResolution) }
            #expect(error?.description.hasPrefix("conditioning.autoencoder: \(folder)/none: is no file or folder") == true)
            #expect(error?.description.contains("such as scenes-latent") == true)
            configuration.conditioning = .init(factor: 2, autoencoder: path)
            configuration.imageSize = 6
            #expect(throws: TrainingError.self) { try Conditioning(configuration, input: .lowResolution) }
        }
    }

    @Test func theAutoencoderMayBeAnEmbeddedModels() throws {
        let large = try pixels(1, side: 64)
        func small(_ autoencoder: String) throws -> [Float] {
            var configuration = TrainingConfiguration.tiny
            configuration.imageSize = 64
            configuration.conditioning = .init(factor: 4, autoencoder: autoencoder, decoded: 1)
            let made = try Conditioning(configuration, input: .lowResolution)(large, seed: 2)
            return try #require(made.conditions.lowResolution).floats()
        }
        let path = try #require(EmbeddedModels.path(of: "scenes-latent"))
        #expect(try small("scenes-latent") == small(path))
        #expect(try small("scenes-latent") != small(""))
    }

    @Test func holesAreOfManyShapesAndOftenAll() throws {
        var draws = SeededGenerator(seed: 1)
        var (all, shares) = (0, [Double]())
        for _ in 0..<2000 {
            let mask = ErasedRegion.mask(side: 32, everything: 0.1, &draws)
            #expect(mask.count == 1024 && mask.allSatisfy { $0 == 0 || $0 == 1 })
            let share = Double(mask.filter { $0 == 0 }.count) / 1024
            if share == 1 { all += 1 } else { shares.append(share) }
        }
        #expect(all > 140 && all < 260, "\(all) of 2000 erased whole")
        let mean = shares.reduce(0, +) / Double(shares.count)
        #expect(mean > 0.15 && mean < 0.5, "\(mean)")
        #expect(shares.filter { $0 == 0 }.count < 20)
    }

    /// A model's weights in one that sees more compute what they did, whatever stands in the new channels.
    @Test(arguments: [0, 8], [GLIDEInput.text, .lowResolution, .masked])
    func widenedWeightsSeeNothingNew(pixelChannels: Int, from seen: GLIDEInput) throws {
        var settings = small()
        settings.network.pixelChannels = pixelChannels
        settings.network.input = seen
        let base = try settings.model(kept: [1, 2, 3])
        let generator = try RandomGenerator(seed: 4)
        let store = WeightStore(.initial(generator))
        _ = try GLIDE(Weights(store), configuration: base.network)
        // Some parts begin with zeros behind them: with others, what they see counts.
        let source = TensorDictionary(
            try store.parameters.map { name, value in
                (name: name, value: try value + Tensor.randn(value.shape, generator: generator) * 0.1)
            })
        let narrow = try GLIDE(Weights(WeightStore(.tensors(source))), configuration: base.network)
        let wider: [GLIDEInput] = seen == .text ? [.masked, .lowResolution, .maskedLowResolution] : [.maskedLowResolution]
        for input in wider {
            var configuration = base.network
            configuration.input = input
            configuration.unet.inputChannels = input.channels
            let widened = try #require(
                WidenedSource(source, from: seen, to: input, patchSize: configuration.unet.patchSize))
            let wideStore = WeightStore(.tensors(widened))
            let wide = try GLIDE(Weights(wideStore), configuration: configuration)
            try wideStore.finish()
            let x = try pixels(1, side: 8)
            let text = try narrow.text(tokens: .zeros([1, 12], dtype: .int64), mask: .ones([1, 12], dtype: .bool))
            let steps = try Tensor([Float(400)], shape: [1])
            let conditions = GLIDE.Conditions(
                lowResolution: try pixels(1, side: 2, seed: 9), image: try pixels(1, side: 8, seed: 8),
                mask: try .ones([1, 1, 8, 8]))
            let (one, other) = try (
                narrow(x, timesteps: steps, text: text, conditions: conditions),
                wide(x, timesteps: steps, text: text, conditions: conditions)
            )
            #expect(try one.abs().max().item() > 0.01)
            #expect(try relativeError(other, one) < 1e-5)
        }
        #expect(WidenedSource(source, from: .masked, to: .text, patchSize: 1) == nil)
    }

    /// Whatever picture is given besides the text: samples are drawn, and a resumed run computes what a whole one does.
    @Test(arguments: [GLIDEInput.lowResolution, .masked, .maskedLowResolution])
    func runsTrainAndResume(input: GLIDEInput) throws {
        var configuration = small(steps: 4)
        configuration.imageSize = 16
        configuration.network.input = input
        configuration.conditioning = .init(factor: 2, crop: 8, cuts: 2, blur: 0.5, noise: 0.05)
        configuration.intervals.sample = 4
        configuration.samples.prompts = ["a red square"]
        configuration.samples.steps = 2
        try withTemporaryFolder { folder in
            try expectResumedEqualsWhole(
                configuration, in: folder, stopAfter: 2, resumedWith: configuration, files: ["model.safetensors"])
            let sheet = try Picture(decoding: bytes(folder + "/a/samples/step-00000004.png"))
            #expect(sheet.width > 48)
        }
    }

    @Test func valuesOutOfRangeAreNamed() throws {
        var configuration = small()
        configuration.network.input = .lowResolution
        configuration.conditioning.factor = 3
        let error = try #require(throws: TrainingError.self) { try configuration.validate() }
        #expect("\(error)".contains("conditioning.factor") && "\(error)".contains("8"))
        configuration.conditioning = .init(factor: 2, crop: 7)
        #expect(throws: TrainingError.self) { try configuration.validate() }
        configuration.conditioning = .init(factor: 2, crop: 0, noise: 2)
        #expect(throws: TrainingError.self) { try configuration.validate() }
    }
}
