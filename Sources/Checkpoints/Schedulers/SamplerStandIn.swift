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

extension LatentConfiguration {
    public var samplerStandIn: SamplerStandIn? {
        // A run's own file chooses the sampler, whatever the scheduler.
        takesSamplingFromScheduler == true ? diffusion.scheduler?.standIn : nil
    }
}

extension ModelConfiguration {
    /// None: its own file always says how it is sampled.
    public var samplerStandIn: SamplerStandIn? { nil }
}
