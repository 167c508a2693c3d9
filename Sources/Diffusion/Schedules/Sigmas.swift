internal import Foundation

/// Noise levels σ chosen by a formula, largest first, the final 0 not among them. They agree with k-diffusion's
/// `get_sigmas_*`.
public enum Sigmas {
    /// Even in σ^(1/ρ) (Karras et al. 2022, equation 5).
    public static func karras(_ count: Int, min: Double, max: Double, rho: Double = 7) throws -> [Double] {
        try check(count, min, max)
        guard rho > 0 else { throw DiffusionError.setting(name: "rho", value: "\(rho)", expected: "more than 0") }
        let (low, high) = (pow(min, 1 / rho), pow(max, 1 / rho))
        return linspace(0, 1, count).map { pow(high + $0 * (low - high), rho) }
    }

    /// Even in log σ.
    public static func exponential(_ count: Int, min: Double, max: Double) throws -> [Double] {
        try check(count, min, max)
        return linspace(log(max), log(min), count).map { exp($0) }
    }

    /// A power of an even ramp in log σ.
    public static func polyexponential(_ count: Int, min: Double, max: Double, rho: Double = 1) throws -> [Double] {
        try check(count, min, max)
        guard rho > 0 else { throw DiffusionError.setting(name: "rho", value: "\(rho)", expected: "more than 0") }
        return linspace(1, 0, count).map { exp(pow($0, rho) * (log(max) - log(min)) + log(min)) }
    }

    private static func check(_ count: Int, _ min: Double, _ max: Double) throws {
        guard (1...1_000_000).contains(count) else {
            throw DiffusionError.spacing("\(count) steps, expected 1 to 1,000,000")
        }
        guard min > 0, max > min, max.isFinite else {
            throw DiffusionError.setting(name: "σ", value: "\(min) to \(max)", expected: "0 < smallest < largest")
        }
    }
}
