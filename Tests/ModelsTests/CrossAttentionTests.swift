import Foundation
import Layers
import Models
import Tensors
import Testing

/// Networks whose transformers attend across to the text: inputs and configurations that do not fit are refused in words.
/// Their numbers are held against diffusers' in `CheckpointsTests`, where diffusers' names are known.
struct CrossAttentionTests {
    static let configuration = UNetConfiguration(
        inputChannels: 4, outputChannels: 4, modelChannels: 8,
        levels: [
            .init(channels: 8, residualBlocks: 1, attention: false),
            .init(channels: 16, residualBlocks: 1, attention: true, transformerDepth: 2),
        ], headWidth: 8, residualResampling: false, scaleShiftNorm: false,
        text: .cross(width: 12, linearProjections: true), normGroups: 4, middleDepth: 2, addedWidth: 32)

    @Test func shapesThatDoNotFit() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
        let network = try UNet(Weights(store), configuration: Self.configuration)
        let (x, t) = (try Tensor.zeros([2, 4, 8, 6]), try Tensor.zeros([2]))
        let (text, added) = (try Tensor.zeros([2, 5, 12]), try Tensor.zeros([2, 32]))
        let cases: [(String, () throws -> Any)] = [
            ("there are none", { try network(x, timesteps: t, context: UNetContext(added: added)) }),
            ("states as [2, L, 12]", { try network(x, timesteps: t, context: UNetContext(text: .zeros([2, 5, 13]), added: added)) }),
            ("states as [2, L, 12]", { try network(x, timesteps: t, context: UNetContext(text: .zeros([1, 5, 12]), added: added)) }),
            ("states as [2, L, 12]", { try network(x, timesteps: t, context: UNetContext(text: .zeros([12]), added: added)) }),
            ("pooled text and sizes as [2, 32]", { try network(x, timesteps: t, context: UNetContext(text: text)) }),
            ("pooled text and sizes as [2, 32]", {
                try network(x, timesteps: t, context: UNetContext(text: text, added: .zeros([1, 32])))
            }),
            ("pooled text and sizes as [N, 32]", {
                try network(x, timesteps: t, context: UNetContext(text: text, added: .zeros([2, 31])))
            }),
            ("[N, 4, H, W]", { try network(.zeros([2, 4, 8, 0]), timesteps: t, context: UNetContext(text: text, added: added)) }),
            ("states as [N, L, 12]", { try network.prepared(UNetContext(text: .zeros([2, 12]), added: added)) }),
            ("pooled text and sizes as [N, 32]", { try network.prepared(UNetContext(text: text, added: .zeros([32]))) }),
        ]
        for (words, body) in cases {
            let error = #expect(throws: TensorError.self, "\(words)") { _ = try body() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
        }
        let context = UNetContext(text: text, added: added)
        #expect(try network(x, timesteps: t, context: context).shape == [2, 4, 8, 6])
        // Any size, down to a single pixel.
        #expect(try network(.zeros([2, 4, 5, 1]), timesteps: t, context: context).shape == [2, 4, 5, 1])
        // As training sees it: gradients through every parameter.
        for parameter in store.parameters { try parameter.value.setRequiresGrad(true) }
        try network(.ones([2, 4, 5, 3]), timesteps: t, context: context).square().sum().backward()
        #expect(store.parameters.allSatisfy { $0.value.gradient != nil })
    }

    /// As diffusers has them in half precision, the last convolution with them; `GLIDETests` has the other lineage.
    @Test func allButNormsIsInTheRunsType() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)), dtype: .bfloat16)
        _ = try UNet(Weights(store), configuration: Self.configuration)
        let types = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.value.dtype) })
        #expect(types["out.2.weight"] == .bfloat16 && types["out.0.weight"] == .float32)
    }

    /// A network without a place for pooled text says so.
    @Test func noPlaceForSizes() throws {
        var configuration = Self.configuration
        configuration.addedWidth = nil
        let network = try UNet(Weights(WeightStore(.initial(RandomGenerator(seed: 1)))), configuration: configuration)
        let error = try #require(throws: TensorError.self) {
            try network(
                .zeros([1, 4, 4, 4]), timesteps: .zeros([1]),
                context: UNetContext(text: .zeros([1, 5, 12]), added: .zeros([1, 32])))
        }
        #expect(error.description.contains("no place"))
    }

    @Test func configurationsThatCannotBe() throws {
        try Self.configuration.validate()
        let changes: [(String, (inout UNetConfiguration) -> Void)] = [
            ("the text's width", { $0.text = .cross(width: 0, linearProjections: false) }),
            ("the text's width", { $0.text = .joint(width: .max) }),
            ("heads must be", { $0.heads = 0 }), ("heads must be", { $0.heads = .min }),
            ("into 3 heads", { $0.heads = 3 }), ("into 0 heads", { $0.levels[1].heads = 0 }),
            ("into 5 heads", { $0.levels[1].heads = 5 }), ("heads of width 7", { $0.headWidth = 7 }),
            ("0 transformer blocks", { $0.levels[1].transformerDepth = 0 }),
            ("transformer blocks a place", { $0.levels[0].transformerDepth = .max }),
            ("the middle", { $0.middleDepth = -1 }), ("the middle", { $0.middleDepth = .max }),
            ("addedWidth", { $0.addedWidth = 0 }), ("addedWidth", { $0.addedWidth = .max }),
            ("sizeSinusoidWidth", { $0.sizeSinusoidWidth = -7 }),
            ("too many", {
                $0.levels = Array(
                    repeating: .init(channels: 8, residualBlocks: 64, attention: true, transformerDepth: 64), count: 8)
            }),
        ]
        for (words, change) in changes {
            var configuration = Self.configuration
            change(&configuration)
            let error = #expect(throws: ConfigurationError.self, "\(words)") { try configuration.validate() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
            #expect(throws: ConfigurationError.self) {
                try UNet(Weights(WeightStore(.tensors(ShapeOnlySource()))), configuration: configuration)
            }
            // Nothing here traps on its way to being refused.
            _ = configuration.sizeCount(pooledWidth: 4)
        }
    }
}

/// Stable Diffusion XL's sizes.
struct SizeConditionsTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/unet").path

    /// What reached the first layer of diffusers' `add_embedding`.
    ///
    /// The last bit of a frequency, which sizes of a thousand make 6e-5 of, is another on other processors: of the refiner's
    /// 128, PyTorch's own on Emerald Rapids are 2.4e-6 and 3e-5 from what is kept here.
    @Test(arguments: [("xl", 6, 1e-6, 2e-5), ("refiner", 256, 3e-6, 6e-5)])
    func agreesWithDiffusers(name: String, width: Int, relative: Double, absolute: Double) throws {
        let golden = try TensorArchive.open("\(Self.folder)/\(name).safetensors")
        let added = try addedInput(pooled: golden.tensor("pooled"), sizes: golden.tensor("sizes"), sizeWidth: width)
        let expected = try golden.tensor("added")
        #expect(try relativeError(added, expected) < relative)
        #expect(try (added - expected).abs().max().item() < absolute)
    }

    @Test func numbersInOrder() throws {
        let base = SizeConditions.base(
            originalHeight: 1, originalWidth: 2, cropTop: 3, cropLeft: 4, targetHeight: 5, targetWidth: 6)
        #expect(base.numbers == [1, 2, 3, 4, 5, 6])
        let refiner = SizeConditions.refiner(
            originalHeight: 1, originalWidth: 2, cropTop: 3, cropLeft: 4, aestheticScore: 6.5)
        #expect(refiner.numbers == [1, 2, 3, 4, 6.5])
        let json = try JSONEncoder().encode([base, refiner])
        #expect(try JSONDecoder().decode([SizeConditions].self, from: json) == [base, refiner])
    }

    @Test func shapesThatDoNotFit() throws {
        for (pooled, sizes, width) in [
            ([2, 4], [1, 6], 8), ([4], [1, 6], 8), ([1, 4], [6], 8), ([1, 4], [1, 6], 0), ([1, 4], [1, 6], .max),
        ] {
            #expect(throws: TensorError.self) {
                try addedInput(pooled: .zeros(pooled), sizes: .zeros(sizes), sizeWidth: width)
            }
        }
    }
}
