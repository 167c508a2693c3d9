/// Text that remembers where in the prompt each of its scalars came from, through every cleaning step.
package struct SourceText: Hashable, Sendable {
    package struct Element: Hashable, Sendable {
        package var scalar: Unicode.Scalar
        /// The prompt's UTF-8 bytes this scalar stands for.
        package var source: Range<Int>
    }

    package var elements: [Element]

    package init(elements: [Element]) { self.elements = elements }

    package init(_ text: String) {
        elements = []
        elements.reserveCapacity(text.utf8.count)
        var offset = 0
        for scalar in text.unicodeScalars {
            let end = offset + UTF8.width(scalar)
            elements.append(Element(scalar: scalar, source: offset..<end))
            offset = end
        }
    }

    package var string: String {
        var scalars = String.UnicodeScalarView()
        for element in elements { scalars.append(element.scalar) }
        return String(scalars)
    }

    /// Puts `replacement(scalar)` in place of each scalar; nil keeps it.
    package func replacing(_ replacement: (Unicode.Scalar) -> [Unicode.Scalar]?) -> SourceText {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for element in elements {
            guard let scalars = replacement(element.scalar) else {
                result.append(element)
                continue
            }
            for scalar in scalars { result.append(Element(scalar: scalar, source: element.source)) }
        }
        return SourceText(elements: result)
    }

    /// Makes every run of white space one space.
    package func collapsingWhitespace() -> SourceText {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        var previousWasSpace = false
        for element in elements {
            guard ScalarClass(element.scalar) == .whitespace else {
                result.append(element)
                previousWasSpace = false
                continue
            }
            if !previousWasSpace { result.append(Element(scalar: " ", source: element.source)) }
            previousWasSpace = true
        }
        return SourceText(elements: result)
    }

    package enum FinalSigma: Sendable {
        /// Σ at a word's end becomes ς, as Unicode and Python's `str.lower` have it.
        case contextual
        /// Σ always becomes σ, as Rust's `char::to_lowercase` has it.
        case ignored
    }

    package func lowercased(finalSigma: FinalSigma = .contextual) -> SourceText {
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            if element.scalar.isASCII {
                let value = element.scalar.value
                let isCapital = (0x41...0x5A).contains(value)
                let lower = isCapital ? Unicode.Scalar(UInt8(value + 0x20)) : element.scalar
                result.append(Element(scalar: lower, source: element.source))
            } else if element.scalar == "Σ" {
                let isFinal = finalSigma == .contextual && endsWord(at: index)
                result.append(Element(scalar: isFinal ? "ς" : "σ", source: element.source))
            } else {
                for scalar in element.scalar.properties.lowercaseMapping.unicodeScalars {
                    result.append(Element(scalar: scalar, source: element.source))
                }
            }
        }
        return SourceText(elements: result)
    }

    /// Unicode's Final_Sigma (*The Unicode Standard*, table 3-17): a cased letter before and none after, looking past
    /// what case ignores.
    private func endsWord(at index: Int) -> Bool {
        let before = elements[..<index].last { !$0.scalar.properties.isCaseIgnorable }
        guard before?.scalar.properties.isCased == true else { return false }
        let after = elements[(index + 1)...].first { !$0.scalar.properties.isCaseIgnorable }
        return after?.scalar.properties.isCased != true
    }
}

/// What the pre-tokenising patterns tell apart: `\p{L}`, `\p{N}`, `\s` and the rest.
package enum ScalarClass: Sendable {
    case letter, number, whitespace, other

    package init(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            switch scalar.value {
            case 0x41...0x5A, 0x61...0x7A: self = .letter
            case 0x30...0x39: self = .number
            case 0x20, 0x09...0x0D: self = .whitespace
            default: self = .other
            }
            return
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = scalar.properties.isWhitespace ? .whitespace : .other
        }
    }
}
