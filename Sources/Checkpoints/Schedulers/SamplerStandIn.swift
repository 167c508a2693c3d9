public import Diffusion

/// A sampler that draws instead of what a model's own scheduler calls for, where that is not honoured here.
public struct SamplerStandIn: Codable, Sendable, Equatable, CustomStringConvertible {
    /// What draws, unless a request names a sampler.
    public var sampler: SamplerName
    /// The model's own: the diffusers class that its file names.
    public var scheduler: String
    /// What of it is not honoured.
    public var reason: String

    public var description: String {
        "\(sampler.rawValue) draws instead of the model's own \(scheduler), which is not honoured here: \(reason)"
    }
}

extension DrawingConfiguration {
    /// What draws, unless a request names a sampler, instead of what the model's own scheduler calls for; nil where that is
    /// honoured.
    public var samplerStandIn: SamplerStandIn? {
        // A run's own file may name the sampler, whatever the scheduler.
        guard let standIn = diffusion.scheduler?.standIn, standIn.sampler == sampling.sampler else { return nil }
        return standIn
    }
}
