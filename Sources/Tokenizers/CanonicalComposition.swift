import Foundation

extension SourceText {
    /// Unicode's normal form C (*The Unicode Standard*, section 3.11), with origins kept.
    ///
    /// Foundation gives the mappings of single scalars and pairs; the algorithm is written out here because Foundation
    /// keeps no origins, takes time quadratic in a run of combining marks, leaves marks out of order where one
    /// decomposes into two (U+0F71 U+0F72 U+0F73), and swallows U+11A7 after a syllable (all seen in Swift 6.3).
    package func canonicallyComposed() -> SourceText {
        // Nothing below U+0300 changes unless something above follows it.
        guard elements.contains(where: { $0.scalar.value >= 0x300 }) else { return self }
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        var start = 0
        while start < elements.count {
            var end = start + 1
            while end < elements.count, elements[end].scalar.mayJoinPrevious { end += 1 }
            let isPlain = end == start + 1 && elements[start].scalar.standsAlone
            result += isPlain ? elements[start..<end] : Self.composed(elements[start..<end])[...]
            start = end
        }
        return SourceText(elements: result)
    }

    /// Composes a stretch in which only the first scalar may be one that joins nothing before it.
    private static func composed(_ stretch: ArraySlice<Element>) -> [Element] {
        let decomposed = orderingMarks(
            stretch.flatMap { element in
                element.scalar.canonicalDecomposition.map { Element(scalar: $0, source: element.source) }
            })
        var result: [Element] = []
        var starter: Int?
        // The class of the last mark kept after the starter; it blocks marks of its own class and below.
        var blocking = -1
        for element in decomposed {
            let markClass = Int(element.scalar.combiningClass)
            if let starter, blocking < markClass, let joined = result[starter].scalar.composed(with: element.scalar) {
                let first = result[starter].source
                let source = min(first.lowerBound, element.source.lowerBound)..<max(
                    first.upperBound, element.source.upperBound)
                result[starter] = Element(scalar: joined, source: source)
                continue
            }
            if markClass == 0 { starter = result.count }
            blocking = markClass == 0 ? -1 : markClass
            result.append(element)
        }
        return result
    }

    /// Sorts each run of combining marks by class, those of one class staying in order.
    private static func orderingMarks(_ elements: [Element]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        var start = 0
        while start < elements.count {
            let end = elements[start...].firstIndex { $0.scalar.combiningClass == 0 } ?? elements.count
            let order = (start..<end).map { (elements[$0].scalar.combiningClass, $0) }.sorted { $0 < $1 }
            result += order.map { elements[$0.1] }
            if end < elements.count { result.append(elements[end]) }
            start = end + 1
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Normal form KC of this scalar alone.
    var compatibilityComposed: [Unicode.Scalar] {
        Array(String(self).precomposedStringWithCompatibilityMapping.unicodeScalars)
    }

    /// The scalars of this one's canonical decomposition.
    var canonicalParts: [Unicode.Scalar] { canonicalDecomposition }

    fileprivate var combiningClass: UInt8 {
        value < 0x300 ? 0 : properties.canonicalCombiningClass.rawValue
    }

    fileprivate var canonicalDecomposition: [Unicode.Scalar] {
        value < 0xC0 ? [self] : Array(String(self).decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// Whether normal form C leaves this alone when nothing joins it: Latin-1 and its kin, CJK and Hangul syllables.
    fileprivate var standsAlone: Bool {
        value < 0x300 || (0x3400...0x9FFF).contains(value) || (0xAC00...0xD7A3).contains(value)
    }

    /// Whether this may compose with, or be reordered among, what stands before it: marks, and Hangul's vowels and
    /// final consonants.
    fileprivate var mayJoinPrevious: Bool {
        if value < 0x300 { return false }
        if (0x1161...0x1175).contains(value) || (0x11A8...0x11C2).contains(value) { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return combiningClass > 0
        }
    }

    /// The one scalar that this and `next` compose into, if there is one.
    fileprivate func composed(with next: Unicode.Scalar) -> Unicode.Scalar? {
        guard next.mayJoinPrevious else { return nil }
        // Decomposed first: Foundation does not compose U+D558 U+11AB as they stand.
        let apart = String(String.UnicodeScalarView([self, next])).decomposedStringWithCanonicalMapping
        let pair = apart.precomposedStringWithCanonicalMapping.unicodeScalars
        return pair.count == 1 ? pair.first : nil
    }
}
