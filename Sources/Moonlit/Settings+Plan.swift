package import Checkpoints
package import Diffusion
import Models

extension Settings {
    /// The way through a model's process.
    ///
    /// - Parameter strength: for starting from a picture; nil starts from noise.
    /// - Throws: `GenerationError.invalid` for a schedule that the process has no place for, and for steps or a sampler that
    ///   the model's own scheduler refuses.
    package func plan(in diffusion: DiffusionConfiguration, strength: Double? = nil) throws -> SamplingPlan {
        do {
            return try diffusion.plan(sampler, steps: steps, schedule: schedule, strength: strength)
        } catch let error where error is DiffusionError || error is ConfigurationError {
            throw GenerationError.invalid(
                option: "schedule", value: "\(schedule) in \(steps) steps of \(sampler.rawValue)",
                expected: "one that the model's process allows: \(error)")
        }
    }
}
