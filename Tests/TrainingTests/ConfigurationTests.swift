import Checkpoints
import Datasets
import Foundation
import Images
import Layers
import Models
import Scenes
import Testing
import Training

@Suite struct ConfigurationTests {
    @Test(arguments: TrainingConfiguration.presets.keys.sorted()) func presetsAreValidAndSurviveYAML(name: String) throws {
        let preset = try TrainingConfiguration(presetOrFile: name)
        try preset.validate()
        #expect(try TrainingConfiguration(yaml: preset.yaml()) == preset)
    }

    @Test func glideBaseIsThePublishedNetwork() throws {
        let model = try TrainingConfiguration.glideBase.model(kept: nil)
        #expect(model.network == .base())
    }

    @Test func whatAFileLeavesOutIsThePresets() throws {
        let read = try TrainingConfiguration(yaml: "preset: tiny\nrate: {peak: 0.5}\ndata:\n  ground: \"#102030\"\n")
        var expected = TrainingConfiguration.tiny
        expected.rate.peak = 0.5
        expected.data.ground = .colour(.init(red: 0x10, green: 0x20, blue: 0x30))
        #expect(read == expected)
        #expect(try TrainingConfiguration(yaml: "") == .emoji64)
    }

    @Test func aFileStandsOnAnother() throws {
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/later", withIntermediateDirectories: true)
            func write(_ name: String, _ yaml: String) throws -> String {
                let path = folder + "/" + name
                try yaml.write(toFile: path, atomically: true, encoding: .utf8)
                return path
            }
            _ = try write("1.yaml", "preset: tiny\nsteps: 9\nrate: {peak: 0.5}\n")
            _ = try write("2.yaml", "base: 1.yaml\nrate: {warmup: 3}\n")
            let third = try write("later/3.yaml", "base: ../2.yaml\nsteps: 7\n")
            var expected = TrainingConfiguration.tiny
            (expected.steps, expected.rate.peak, expected.rate.warmup) = (7, 0.5, 3)
            #expect(try TrainingConfiguration(presetOrFile: third) == expected)

            for (name, yaml, problem) in [
                ("own.yaml", "base: own.yaml", "own base"), ("2.yaml", "base: later/3.yaml", "own base"),
                ("lost.yaml", "base: nowhere.yaml", "nowhere.yaml"), ("both.yaml", "base: 1.yaml\npreset: tiny", "preset"),
                ("number.yaml", "base: {a: 1}", "file's name"),
            ] {
                let path = try write(name, yaml)
                let error = try #require(throws: TrainingError.self) { try TrainingConfiguration(presetOrFile: path) }
                #expect(error.description.contains(problem), "\(error)")
            }
        }
    }

    @Test func scenesAreComposedAsTheFileSays() throws {
        let read = try TrainingConfiguration(
            yaml: "data: {together: 8, sets: [{set: scenes, scenes: {alike: 8, subjects: [fox]}}, {set: emoji, weight: 3}]}")
        var scenes = SceneConfiguration()
        (scenes.alike, scenes.subjects) = (8, ["fox"])
        #expect(read.data.together == 8)
        #expect(read.data.sets == [.init(set: "scenes", scenes: scenes), .init(set: "emoji", weight: 3)])
        #expect(try TrainingConfiguration(yaml: read.yaml()) == read)
    }

    @Test(arguments: [
        ("colour: 1", "colour"), ("rate: {peek: 1}", "rate.peek"), ("steps: many", "steps"),
        ("batchSize: 7", "parts"), ("steps: 0", "steps"), ("captionDropout: 1.5", "captionDropout"),
        ("network: {input: dreams}", "network.input"), ("network: {headWidth: 48}", "network"),
        ("imageSize: 66", "network"), ("preset: huge", "preset"), ("dtype: float16", "dtype"),
        ("diffusion: {prediction: colour}", "diffusion.prediction"), ("data: {filter: magic}", "data.filter"),
        ("data: {sets: [{set: a, weight: 1, colour: red}]}", "data.sets.0.colour"),
        ("data: {sets: [{set: scenes, scenes: {colour: red}}]}", "colour"),
        ("data: {sets: [{set: emoji, scenes: {alike: 2}}]}", "data.sets"), ("data: {together: 0}", "data.together"),
        ("data: {sets: []}", "data.sets"), ("diffusion: {variance: learnedRange}", "loss.times"),
        ("- 1", "keys and values"), ("a: [", "YAML"), ("seed: -1", "seed"), ("rate: {peak: .nan}", "rate.peak"),
    ]) func mistakesAreNamed(yaml: String, key: String) throws {
        let error = try #require(throws: TrainingError.self) { try TrainingConfiguration(yaml: yaml) }
        #expect(error.description.contains(key))
    }

    /// The repository's folder.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func committed(_ name: String) throws -> TrainingConfiguration {
        try TrainingConfiguration(presetOrFile: Self.root.appending(path: "Configurations/" + name).path)
    }

    /// What models were trained by can still be read.
    @Test func committedConfigurationsAreValid() throws {
        let folder = Self.root.appending(path: "Configurations").path
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
        for name in names { _ = try TrainingConfiguration(presetOrFile: folder + "/" + name) }
        #expect(names.count >= 14)
    }

    /// And as every stage until it grew.
    @Test func latentScenesIsAsTheEmbeddedModelBegan() throws {
        let network = TrainingConfiguration.latentScenes.network
        for stage in 1...9 { #expect(try committed("scenes-latent/\(stage).yaml").network == network) }
        let path = Self.root.appending(path: "Sources/Moonlit/Embedded/scenes-latent").path
        guard case .latents(let file) = try PublishedModel(path), case .clip(let tower) = file.configuration.towers[0].network
        else { throw CheckpointError(path, "is no latent model with CLIP's tower") }
        let unet = file.configuration.unet
        #expect(unet.levels.map(\.channels) == network.levels.map(\.channels))
        #expect(zip(unet.levels, network.levels).allSatisfy { $0.residualBlocks >= $1.residualBlocks })
        #expect(zip(unet.levels, network.levels).allSatisfy { $0.attention || !$1.attention })
        #expect(unet.levels.map { unet.heads(of: $0) } == network.levels.map { $0.channels / network.headWidth })
        #expect(unet.normGroups == network.normGroups && unet.modelChannels == network.modelChannels)
        #expect(tower.context == network.text.context && tower.width == network.text.width)
        #expect(tower.layers == network.text.layers && tower.heads == network.text.heads)
    }

    /// Holes in what the pixel model draws, so that a run may begin with it.
    @Test func inpaintingIsLikeWhatItComesFrom() throws {
        var pixels = try committed("scenes-64/8.yaml")
        pixels.network.input = .masked
        #expect(TrainingConfiguration.inpainting64.network == pixels.network)
        #expect(TrainingConfiguration.inpainting64.diffusion == pixels.diffusion)
        #expect(TrainingConfiguration.inpainting64.data == pixels.data)
    }

    @Test func filesThatStandOnPresetsNameWhatDiffers() throws {
        var upsampler = TrainingConfiguration.upsampler64To256
        upsampler.name = "scenes-256"
        upsampler.conditioning.autoencoder = "Sources/Moonlit/Embedded/scenes-latent"
        upsampler.conditioning.decoded = 0.67
        #expect(try committed("scenes-256/1.yaml") == upsampler)
        let file = try committed("scenes-64-inpainting/1.yaml")
        var inpainting = TrainingConfiguration.inpainting64
        (inpainting.name, inpainting.samples.prompts) = ("scenes-64-inpainting", file.samples.prompts)
        #expect(file == inpainting && file.samples.prompts.count == 12)
    }

    @Test func missingFilesAreNamed() throws {
        let error = try #require(throws: TrainingError.self) { try TrainingConfiguration(presetOrFile: "nowhere.yaml") }
        #expect(error.description.contains("nowhere.yaml") && error.description.contains("emoji-64"))
    }

    @Test func differencesNameWhatChangesTheResult() throws {
        var other = TrainingConfiguration.tiny
        other.steps += 1
        other.workers = 1
        other.intervals.log = 1
        other.samples.prompts.append("a house")
        #expect(try TrainingConfiguration.tiny.differences(from: other) == [])
        other.batchSize = 16
        other.data.sets.append(.init(set: "scenes"))
        let differences = try TrainingConfiguration.tiny.differences(from: other)
        #expect(differences.contains("batchSize was 8, now 16"))
        #expect(differences.contains("data.sets.1.set was not there, now scenes"))
    }
}
