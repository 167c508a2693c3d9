internal import Datasets
public import Diffusion
internal import Tensors

/// The noise that pictures have at a step of a process.
public struct PictureNoise {
    public let schedule: NoiseSchedule
    /// 0 ..< the schedule's steps.
    public let step: Int
    public let seed: UInt64

    public init(_ schedule: NoiseSchedule, step: Int, seed: UInt64) {
        (self.schedule, self.step, self.seed) = (schedule, step, seed)
    }

    /// - Parameters:
    ///   - pictures: [N, 3, H, W] in −1...1.
    ///   - first: the first one's number; the same batch has the same noise.
    /// - Returns: the noisy pictures, and [N] steps.
    func added(to pictures: Tensor, first: Int) throws -> (pictures: Tensor, timesteps: Tensor) {
        var draws = SeededGenerator(seed, UInt64(step), UInt64(first))
        let generator = try RandomGenerator(seed: draws.next())
        let noise = try Tensor.randn(pictures.shape, generator: generator)
        let times = [Double](repeating: Double(step), count: pictures.shape[0])
        let noised = try schedule.noised(pictures, at: times, noise: noise)
        return (noised.xt, try noised.timesteps())
    }
}
