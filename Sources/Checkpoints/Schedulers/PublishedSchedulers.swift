internal import Diffusion

/// What is published beside models whose single files say nothing of it.
extension DiffusersScheduler {
    /// Stable Diffusion 1.x.
    public static let stableDiffusion1 = latent(.pndm)

    /// Stable Diffusion 2.x base, 512 pixels.
    public static let stableDiffusion2Base = latent(.pndm)

    /// Stable Diffusion 2.x, 768 pixels, which predicts v.
    public static let stableDiffusion2 = latent(.ddim) { $0.prediction = .velocity }

    /// Stable Diffusion XL, base and refiner.
    public static let stableDiffusionXL = latent(.euler) {
        $0.interpolation = .linear
        $0.thresholdLimit = 1
        $0.spacing = .leading
        $0.usesKarrasSigmas = false
    }

    /// CompVis' latent diffusion, as its own DDIM sampler has it.
    public static let latentDiffusion = latent(.ddim)

    private static func latent(
        _ kind: SchedulerKind, _ more: (inout DiffusersScheduler) -> Void = { _ in }
    ) -> DiffusersScheduler {
        var scheduler = DiffusersScheduler(kind)
        scheduler.trainingSteps = 1000
        scheduler.betaStart = 0.00085
        scheduler.betaEnd = 0.012
        scheduler.betaSchedule = .scaledLinear
        scheduler.prediction = .noise
        scheduler.clipsSample = false
        scheduler.endsAtOne = false
        scheduler.skipsRungeKutta = true
        scheduler.stepsOffset = 1
        more(&scheduler)
        return scheduler
    }
}
