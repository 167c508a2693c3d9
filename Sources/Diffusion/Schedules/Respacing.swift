/// Which steps of a long process to take, in the notation of OpenAI's `respace.py`.
///
/// `"10,10,5"` takes that many from equal sections; `"27"` is one section; `"ddim25"` strides evenly as in Song et al.
/// 2021; `"fast27"` is GLIDE's choice for its upsampler.
public enum Respacing: Sendable, Hashable {
    case sections([Int])
    case ddim(Int)
    case fast27

    /// - Throws: `DiffusionError.spacing` where the text is none of the forms above.
    public init(parsing text: String) throws {
        if text == "fast27" {
            self = .fast27
        } else if text.hasPrefix("ddim"), let count = Int(text.dropFirst(4)), count > 0 {
            self = .ddim(count)
        } else {
            let counts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard !counts.isEmpty, counts.allSatisfy({ $0 ?? -1 >= 0 }) else {
                throw DiffusionError.spacing("“\(text)” is none of \"27\", \"10,10,5\", \"ddim25\", \"fast27\"")
            }
            self = .sections(counts.compactMap { $0 })
        }
    }

    /// The steps taken, ascending.
    ///
    /// Within a section the positions are a running sum of the stride, rounded half to even.
    public func steps(of count: Int) throws -> [Int] {
        switch self {
        case .fast27:
            // Fewer artefacts from the noisiest step.
            let steps = try Respacing.sections([10, 10, 3, 2, 2]).steps(of: count)
            return steps.dropLast() + [count - 3]
        case .ddim(let wanted):
            guard count > 0, let stride = (1..<max(count, 2)).first(where: { (count + $0 - 1) / $0 == wanted }) else {
                throw DiffusionError.spacing("no whole stride takes exactly \(wanted) of \(count) steps")
            }
            return Array(Swift.stride(from: 0, to: count, by: stride))
        case .sections(let sections):
            guard !sections.isEmpty, sections.allSatisfy({ $0 >= 0 }), sections.contains(where: { $0 > 0 }) else {
                throw DiffusionError.spacing("sections \(sections) take no step")
            }
            let (size, extra) = count.quotientAndRemainder(dividingBy: sections.count)
            var start = 0
            var steps: [Int] = []
            for (index, wanted) in sections.enumerated() {
                let length = size + (index < extra ? 1 : 0)
                guard length >= wanted else {
                    throw DiffusionError.spacing("cannot take \(wanted) of the \(length) steps of section \(index + 1)")
                }
                let stride = wanted <= 1 ? 1 : Double(length - 1) / Double(wanted - 1)
                var position = 0.0
                for _ in 0..<wanted {
                    steps.append(start + Int(position.rounded(.toNearestOrEven)))
                    position += stride
                }
                start += length
            }
            return steps
        }
    }
}
