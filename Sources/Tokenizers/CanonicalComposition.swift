import Foundation

extension SourceText {
    /// Unicode's normal form C, composed one character at a time so that origins are kept.
    ///
    /// Composition and reordering never cross a boundary between characters (grapheme clusters), so this equals
    /// composing the whole.
    package func canonicallyComposed() -> SourceText {
        // Nothing below U+0300 composes with what stands before it.
        guard elements.contains(where: { $0.scalar.value >= 0x300 }) else { return self }
        let text = string
        if Self.composed(text).elementsEqual(text.unicodeScalars) { return self }

        var result: [Element] = []
        result.reserveCapacity(elements.count)
        var index = 0
        for character in text {
            let old = elements[index..<index + character.unicodeScalars.count]
            index = old.endIndex
            let new = Self.composed(String(character))
            guard let first = old.first, let last = old.last, !new.elementsEqual(old.lazy.map(\.scalar)) else {
                result += old
                continue
            }
            let source = first.source.lowerBound..<last.source.upperBound
            for scalar in new { result.append(Element(scalar: scalar, source: source)) }
        }
        return SourceText(elements: result)
    }

    /// Decomposes first: composing alone leaves marks out of order where one of them decomposes into two
    /// (U+0F71 U+0F72 U+0F73), seen in Foundation of Swift 6.3.
    private static func composed(_ text: String) -> String.UnicodeScalarView {
        text.decomposedStringWithCanonicalMapping.precomposedStringWithCanonicalMapping.unicodeScalars
    }
}

extension Unicode.Scalar {
    /// Normal form KC of this scalar alone.
    var compatibilityComposed: [Unicode.Scalar] {
        Array(String(self).precomposedStringWithCompatibilityMapping.unicodeScalars)
    }
}
