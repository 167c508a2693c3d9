import Layers
import Models
import Tensors
import Testing

/// What does not fit is refused in words, before libtorch meets it.
struct InputTests {
    @Test func shapesThatDoNotFit() throws {
        let base = try GLIDETests.network("base", .text)
        let upsampler = try GLIDETests.network("upsample", .lowResolution)
        let inpainting = try GLIDETests.network("base_inpaint", .masked)
        func text(_ rows: Int) throws -> TextStates {
            TextStates(states: try .zeros([rows, 8, 32]), embedding: try .zeros([rows, 128]))
        }
        let (x, t) = (try Tensor.zeros([2, 3, 16, 16]), try Tensor.zeros([2]))
        let narrow = TextStates(states: try .zeros([2, 8, 16]), embedding: try .zeros([2, 128]))
        let short = TextStates(states: try .zeros([2, 8, 32]), embedding: try .zeros([2, 64]))
        let cases: [(String, () throws -> Any)] = [
            ("[N, 3, H, W]", { try base(.zeros([3, 16, 16]), timesteps: t, text: text(2)) }),
            ("[N, 3, H, W]", { try inpainting(.zeros([16]), timesteps: t, text: text(2)) }),
            ("[N, 3, H, W]", { try base(.zeros([2, 4, 16, 16]), timesteps: t, text: text(2)) }),
            ("sides divisible by 2", { try base(.zeros([2, 3, 15, 16]), timesteps: t, text: text(2)) }),
            ("sides divisible by 2", { try base(.zeros([2, 3, 16, 0]), timesteps: t, text: text(2)) }),
            ("one timestep a picture, [2]", { try base(x, timesteps: .zeros([3]), text: text(2)) }),
            ("one timestep a picture, [2]", { try base(x, timesteps: .zeros([]), text: text(2)) }),
            ("embedding as [2, 128]", { try base(x, timesteps: t, text: text(3)) }),
            ("embedding as [2, 128]", { try base(x, timesteps: t, text: short) }),
            ("states as [2, L, 32]", { try base(x, timesteps: t, text: narrow) }),
            ("needs a small picture", { try upsampler(x, timesteps: t, text: text(2)) }),
            ("tokens and mask of [N, 8]", { try base.text(tokens: Tensor([1, 2]), mask: Tensor([true, true])) }),
            ("tokens and mask of [N, 8]", {
                try base.text(tokens: .zeros([1, 8], dtype: .int64), mask: .zeros([1, 7], dtype: .bool))
            }),
            ("out of range", {
                try base.text(tokens: .full([1, 8], 64, dtype: .int64), mask: .ones([1, 8], dtype: .bool))
            }),
        ]
        for (words, body) in cases {
            let error = #expect(throws: TensorError.self, "\(words)") { _ = try body() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
        }
        #expect(try base(x, timesteps: t, text: text(2)).shape == [2, 6, 16, 16])
        #expect(try base(.zeros([1, 3, 8, 20]), timesteps: .zeros([1]), text: text(1)).shape == [1, 6, 8, 20])
    }

    /// Without a picture, everything is to be painted: as with a mask of zeros.
    @Test func anInpaintingNetworkNeedsNoPicture() throws {
        let golden = try GLIDETests.open("base_inpaint")
        let network = try GLIDETests.network("base_inpaint", .masked)
        try withoutGradients {
            let text = try network.text(tokens: golden.tensor("glide.tokens"), mask: golden.tensor("glide.mask"))
            let (x, t) = (try golden.tensor("glide.x"), try golden.tensor("glide.timesteps"))
            let blank = GLIDE.Conditions(
                image: try golden.tensor("glide.inpaint_image"), mask: try .zeros([3, 1, 16, 16]))
            let difference = try network(x, timesteps: t, text: text) - network(x, timesteps: t, text: text, conditions: blank)
            #expect(try difference.abs().max().item() == 0)
        }
    }

    @Test func configurationsThatCannotBe() throws {
        try GLIDETests.configuration(.text).validate()
        let changes: [(String, (inout GLIDEConfiguration) -> Void)] = [
            ("levels", { $0.unet.levels = [] }),
            ("levels", { $0.unet.levels = Array(repeating: $0.unet.levels[0], count: 9) }),
            ("patchSize", { $0.unet.patchSize = 0 }), ("pixelChannels", { $0.unet.pixelChannels = 12 }), ("headWidth", { $0.unet.headWidth = 0 }),
            ("normGroups", { $0.unet.normGroups = -1 }), ("modelChannels", { $0.unet.modelChannels = 1 << 40 }),
            ("dropout", { $0.unet.dropout = 1 }), ("dropout", { $0.unet.dropout = .nan }),
            ("channels", { $0.unet.levels[0].channels = 0 }), ("groups", { $0.unet.levels[0].channels = 33 }),
            ("blocks", { $0.unet.levels[0].residualBlocks = 1000 }), ("heads of width 48", { $0.unet.headWidth = 48 }),
            ("3 channels, not 6", { $0.unet.inputChannels = 6 }), ("32 wide", { $0.unet.text = .joint(width: 16) }),
            ("32 wide", { $0.unet.text = .none }), ("width", { $0.text.width = 0 }), ("heads", { $0.text.heads = 3 }),
            ("layers", { $0.text.layers = 10_000 }), ("vocabulary", { $0.text.vocabulary = .max }),
            ("context", { $0.text.context = 0 }),
        ]
        for (words, change) in changes {
            var configuration = GLIDETests.configuration(.text)
            change(&configuration)
            let error = #expect(throws: ConfigurationError.self, "\(words)") { try configuration.validate() }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
            #expect(throws: ConfigurationError.self) {
                try GLIDE(Weights(WeightStore(.tensors(ShapeOnlySource()))), configuration: configuration)
            }
        }
    }
}
