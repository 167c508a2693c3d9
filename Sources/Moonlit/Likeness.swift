import Checkpoints
import Diffusion
import Images
import Models
import Tensors

/// The CLIP that was loaded beside a model: it guides what is drawn, and ranks what was.
struct Likeness {
    /// As settings name it.
    let name: String
    let clip: any PictureTextModel

    /// In float32: gradients want it.
    init(_ source: ModelSource, device: Device) throws {
        name = source.text
        clip = try PictureTextModels.load(source.path(), device: device)
    }

    /// What is followed while pictures of these prompts are drawn.
    ///
    /// - Throws: `GenerationError.invalid` for a CLIP that cannot guide this model.
    func guidance(
        of model: any DrawingModel, prompts: [String], settings: Settings, sampler: any Sampler
    ) throws -> CLIPGuidance {
        do {
            return try CLIPGuidance(
                clip, of: model, prompts: prompts.map(settings.plain), scale: settings.clipGuidance?.scale ?? 0,
                sampler: sampler, height: settings.height, width: settings.width)
        } catch let mismatch as CLIPMismatch {
            throw GenerationError.invalid(option: "clip", value: name, expected: mismatch.expected)
        }
    }

    /// How like finished pictures of one size are to a prompt: cosines, −1…1.
    func scores(_ pictures: [Picture], prompt: String) throws -> [Double] {
        guard let first = pictures.first else { return [] }
        let scores = try withoutGradients {
            let planes = try Tensor(
                pictures.flatMap { $0.rgb.planes() }, shape: [pictures.count, 3, first.height, first.width])
            let text = try clip.embeddings(ofTexts: [prompt])
            return try clip.likeness(ofPictures: clip.fitted(planes.to(device: text.device)), toTexts: text).doubles()
        }
        try require(scores.allSatisfy(\.isFinite), "a CLIP that gives numbers")
        return scores
    }

    private func require(_ holds: Bool, _ expected: String) throws {
        if !holds { throw GenerationError.invalid(option: "clip", value: name, expected: expected) }
    }
}
