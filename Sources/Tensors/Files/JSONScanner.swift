/// Reads JSON from bytes, value by value, as RFC 8259 has it and no laxer: the caller says what it expects next.
struct JSONScanner {
    /// A breach of the grammar or of what was expected.
    struct Fault: Error {
        let offset: Int
        let problem: String
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0
    /// Takes `Infinity` and `-Infinity` for numbers, which no JSON is but Python writes.
    let takesInfinity: Bool

    /// - Parameter bytes: must outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer, takesInfinity: Bool = false) {
        self.bytes = bytes
        self.takesInfinity = takesInfinity
    }

    /// The next character past white space, without taking it.
    mutating func peek() throws(Fault) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw fault("ends too early") }
        return bytes[position]
    }

    mutating func take(_ character: Unicode.Scalar) throws(Fault) {
        guard try peek() == UInt8(ascii: character) else { throw fault("lacks \"\(character)\"") }
        position += 1
    }

    /// Only white space may be left.
    mutating func end() throws(Fault) {
        skipSpace()
        if position < bytes.count { throw fault("goes on after its end") }
    }

    /// Reads an object, handing over each key with the scanner standing before its value. Keys must differ.
    mutating func object(_ member: (String, inout JSONScanner) throws(Fault) -> Void) throws(Fault) {
        try take("{")
        if try peek() == UInt8(ascii: "}") { return position += 1 }
        var seen: Set<String> = []
        while true {
            _ = try peek()
            let start = position
            let key = try string()
            guard seen.insert(key).inserted else {
                throw Fault(offset: start, problem: "has the key \(printable(key)) twice")
            }
            try take(":")
            try member(key, &self)
            if try peek() == UInt8(ascii: "}") { return position += 1 }
            try take(",")
        }
    }

    mutating func array(_ element: (inout JSONScanner) throws(Fault) -> Void) throws(Fault) {
        try take("[")
        if try peek() == UInt8(ascii: "]") { return position += 1 }
        while true {
            try element(&self)
            if try peek() == UInt8(ascii: "]") { return position += 1 }
            try take(",")
        }
    }

    /// A non-negative whole number without fraction or exponent that fits `Int`.
    mutating func wholeNumber() throws(Fault) -> Int {
        let first = try peek()
        let start = position
        guard isDigit(first) else { throw fault("lacks a non-negative whole number") }
        var value = 0
        while position < bytes.count, isDigit(bytes[position]) {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = tenfold.addingReportingOverflow(Int(bytes[position] - 48))
            guard !overflow, !overflowed else {
                throw Fault(offset: start, problem: "has a number too large for 63 bits")
            }
            value = sum
            position += 1
        }
        if first == UInt8(ascii: "0"), position - start > 1 {
            throw Fault(offset: start, problem: "has a number with a leading zero")
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") || bytes[position] | 0x20 == UInt8(ascii: "e") {
            throw Fault(offset: start, problem: "has a number that is not whole")
        }
        return value
    }

    mutating func string() throws(Fault) -> String {
        try take("\"")
        var text: [UInt8] = []
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw Fault(offset: start, problem: "has a string that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw Fault(offset: position - 1, problem: "has a control character in a string")
            default: text.append(byte)
            }
        }
        throw fault("ends within a string")
    }

    /// Passes over any value.
    mutating func skipValue(depth: Int = 0) throws(Fault) {
        guard depth < 64 else { throw fault("nests deeper than 64 levels") }
        switch try peek() {
        case UInt8(ascii: "{"):
            try object { (_, scanner) throws(Fault) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try array { (scanner) throws(Fault) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    /// Any value, whole.
    mutating func value(depth: Int = 0) throws(Fault) -> JSONValue {
        guard depth < 64 else { throw fault("nests deeper than 64 levels") }
        switch try peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try object { (key, scanner) throws(Fault) in members[key] = try scanner.value(depth: depth + 1) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try array { (scanner) throws(Fault) in elements.append(try scanner.value(depth: depth + 1)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "I") where takesInfinity:
            try word("Infinity")
            return .number(.infinity)
        case UInt8(ascii: "-") where takesInfinity && bytes.dropFirst(position + 1).first == UInt8(ascii: "I"):
            try word("-Infinity")
            return .number(-.infinity)
        default:
            let start = position
            try number()
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            guard let value = Double(text), value.isFinite else {
                throw Fault(offset: start, problem: "has a number beyond all bounds")
            }
            return .number(value)
        }
    }

    private mutating func word(_ word: String) throws(Fault) {
        for byte in word.utf8 {
            guard position < bytes.count, bytes[position] == byte else { throw fault("lacks \"\(word)\"") }
            position += 1
        }
    }

    private mutating func number() throws(Fault) {
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let start = position
        try digits()
        if bytes[start] == UInt8(ascii: "0"), position - start > 1 { throw fault("has a number with a leading zero") }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }
    }

    private mutating func digits() throws(Fault) {
        guard position < bytes.count, isDigit(bytes[position]) else { throw fault("lacks a value") }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    private mutating func escape(into text: inout [UInt8]) throws(Fault) {
        guard position < bytes.count else { throw fault("ends within a string") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if 0xD800..<0xDC00 ~= code {
                try word("\\u")
                let low = try hexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw fault("has half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("has half a surrogate pair") }
            text.append(contentsOf: String(scalar).utf8)
        default: throw fault("has an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw fault("has an unknown escape in a string")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { 48...57 ~= byte }

    private func fault(_ problem: String) -> Fault { Fault(offset: position, problem: problem) }
}
