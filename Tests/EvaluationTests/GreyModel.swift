import Checkpoints
import Diffusion
import Tensors
import Tokenizers

/// Answers with one grey for the whole picture, by the caption alone, whatever it sees, and remembers what it was asked.
final class GreyModel: DrawingModel {
    struct Configuration: DrawingConfiguration {
        var name = "grey"
        var imageSize = 64
        var sizeMultiple = 1
        var latentFactor = 1
        var latentChannels = 3
        var diffusion = DiffusionConfiguration(steps: 100, prediction: .sample, variance: .fixedSmall)
        var sampling = SamplingDefaults(sampler: .ddim, steps: 4, guidanceScale: 3)
        var sees = DrawingInput.text
        var drawsPixels = true
        var samplerStandIn: SamplerStandIn? { nil }
    }

    struct Question {
        let captions: [String]
        let branch: Branch
        let level: NoiseLevel
        /// What was seen, [N, 3, 64, 64].
        let x: [Float]
    }

    var configuration = Configuration()
    private(set) var questions: [Question] = []
    private(set) var isGuided = false
    private let latentScale: Double
    private let grey: (String) -> Double

    /// - Parameter latentScale: what pixels are multiplied by to be its latents.
    init(latentScale: Double = 1, _ grey: @escaping (String) -> Double) {
        self.latentScale = latentScale
        self.grey = grey
    }

    var drawing: any DrawingConfiguration { configuration }
    var device: Device { .cpu }

    func network(_ request: DrawingRequest, guidance: (any Guidance)?) throws -> Network {
        if guidance != nil { isGuided = true }
        return { [self] query in
            let captions = query.branch == .unconditional ? request.negativePrompts : request.prompts
            questions.append(
                Question(captions: captions, branch: query.branch, level: query.level, x: try query.x.floats()))
            let greys = captions.map { Float(grey($0)) }
            return try Tensor(greys, shape: [greys.count, 1, 1, 1]).expand(query.x.shape).contiguous()
        }
    }

    func encode(_ pixels: Tensor, noise: NoiseSource, tiling: TilingChoice) throws -> Tensor { try pixels * latentScale }
    func decode(_ x: Tensor, tiling: TilingChoice) throws -> Tensor { x }
    func decodeRecording(_ x: Tensor) throws -> Tensor { x }
    func tokensCut(from prompt: String, reading: PromptReading) throws -> Int { 0 }
    func tokens(in prompt: String) throws -> [AttendedToken] { [] }
}
