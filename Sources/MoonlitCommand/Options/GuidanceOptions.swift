import ArgumentParser
import Moonlit

/// What of the way is guided without a classifier, and how far it may lead.
struct GuidanceOptions: ParsableArguments {
    @Option(
        help: """
            The noise levels σ at which classifier-free guidance acts, as 0.3,5; elsewhere a step costs half. The model's \
            own unless given; all is everywhere.
            """)
    var guidanceInterval: SigmaInterval?

    @Option(
        help: """
            How far guided predictions are brought back to the deviation of those of the text alone, 0 to 1: against \
            pictures that guidance makes too gaudy.
            """)
    var guidanceRescale = 0.0

    func apply(to request: inout GenerationRequest) {
        request.guidanceInterval = guidanceInterval?.sigmas
        request.guidanceRescale = guidanceRescale
    }
}

/// Two noise levels, the lower first.
struct SigmaInterval: ExpressibleByArgument {
    let sigmas: ClosedRange<Double>

    init?(argument: String) {
        if argument == "all" {
            sigmas = GenerationRequest.everySigma
            return
        }
        let ends = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
        sigmas = low...high
    }
}
