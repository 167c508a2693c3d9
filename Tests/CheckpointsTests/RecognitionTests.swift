import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// GLIDE's files are known by their keys and shapes.
struct RecognitionTests {
    @Test(arguments: [
        (GLIDEConfiguration.base(), "GLIDE base", 64), (.upsampler(), "GLIDE upsampler", 256),
        (.base(inpainting: true), "GLIDE inpainting base", 64),
        (.upsampler(inpainting: true), "GLIDE inpainting upsampler", 256),
    ])
    func publishedFiles(configuration: GLIDEConfiguration, name: String, size: Int) throws {
        let found = try #require(try GLIDELayout.recognise(ShapeSource(of: configuration)))
        #expect(found == configuration)
        let model = GLIDELayout.published(found)
        try model.validate()
        #expect(model.name == name && model.imageSize == size)
    }

    @Test(arguments: [
        ("base", GLIDEInput.text), ("upsample", .lowResolution), ("base_inpaint", .masked),
        ("upsample_inpaint", .maskedLowResolution),
    ])
    func smallFiles(variant: String, input: GLIDEInput) throws {
        let found = try #require(try GLIDELayout.recognise(glideWeights(variant)))
        #expect(found.input == input && found.unet.inputChannels == input.channels)
        #expect(found.unet.levels == [
            .init(channels: 32, residualBlocks: 1, attention: false), .init(channels: 64, residualBlocks: 1, attention: true),
        ])
        #expect(found.unet.residualResampling && found.unet.scaleShiftNorm && found.unet.modelChannels == 32)
        #expect(found.unet.text == .joint(width: 32) && found.unet.outputChannels == 6)
        #expect(found.text.vocabulary == 64 && found.text.context == 8 && found.text.layers == 2)
        // It asks for what the file has, and for nothing else.
        let store = WeightStore(.tensors(try glideWeights(variant)))
        _ = try GLIDE(Weights(store), configuration: found)
        try store.finish()
    }

    /// Levels of other widths and numbers, with strided convolutions and an added embedding.
    @Test func otherSizes() throws {
        var configuration = GLIDEConfiguration.base()
        configuration.unet.levels = [
            .init(channels: 192, residualBlocks: 2, attention: true), .init(channels: 192, residualBlocks: 2, attention: false),
            .init(channels: 384, residualBlocks: 2, attention: true),
        ]
        configuration.text.layers = 3
        for (resampling, scaleShift) in [(true, true), (false, true), (true, false), (false, false)] {
            configuration.unet.residualResampling = resampling
            configuration.unet.scaleShiftNorm = scaleShift
            #expect(try GLIDELayout.recognise(ShapeSource(of: configuration)) == configuration)
        }
    }

    @Test func othersAreNot() throws {
        var source = try ShapeSource(of: .base())
        source.shapes["time_embed.0.weight"] = nil
        #expect(try GLIDELayout.recognise(source) == nil)
        source = try ShapeSource(of: .base())
        source.shapes["input_blocks.0.0.weight"] = [192, 5, 3, 3]
        let error = try #require(throws: CheckpointError.self) { try GLIDELayout.recognise(source) }
        #expect(error.description.contains("5 input channels"))
    }

    /// A small GLIDE as a file has no vocabulary known here: said so, with the file's name.
    @Test func aSmallFileHasAnotherVocabulary() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/small.safetensors"
        let weights = try glideWeights("base")
        try Safetensors.write(weights.tensorNames.map { ($0, try weights.tensor($0)) }, to: path)
        let error = try #require(throws: CheckpointError.self) { try ModelFile(path) }
        #expect(error.file == path && error.description.contains("the token table has 64 rows"))
    }
}
