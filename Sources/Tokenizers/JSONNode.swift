/// A JSON value of a tokenizer's files, strings kept as bytes: as Swift strings, some of a vocabulary's tokens would be
/// equal that are not.
package enum JSONNode: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string([UInt8])
    case array([JSONNode])
    case object([(key: [UInt8], value: JSONNode)])

    /// Reads RFC 8259, at most 64 levels deep.
    /// - Parameter file: for errors.
    package init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
        var reader = Reader(bytes: bytes)
        do throws(Reader.Fault) {
            self = try reader.value(depth: 0)
            try reader.end()
        } catch {
            throw .damagedFile(path: file, problem: "the JSON \(error.problem) at byte \(reader.position)")
        }
    }

    /// An object's member; of equal keys the last.
    package subscript(key: String) -> JSONNode? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key.elementsEqual(key.utf8) }?.value
    }

    package var text: String? {
        guard case .string(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    package var isTrue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// A whole number within bounds.
    package func whole(in range: Range<Int>) -> Int? {
        guard case .number(let value) = self, let whole = Int(exactly: value), range.contains(whole) else { return nil }
        return whole
    }

    private struct Reader {
        struct Fault: Error { var problem: String }

        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func value(depth: Int) throws(Fault) -> JSONNode {
            guard depth < 64 else { throw Fault(problem: "nests deeper than 64 levels") }
            switch try peek() {
            case UInt8(ascii: "{"): return try object(depth: depth)
            case UInt8(ascii: "["): return try array(depth: depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return .number(try number())
            }
        }

        mutating func end() throws(Fault) {
            skipSpace()
            if position < bytes.count { throw Fault(problem: "goes on after its end") }
        }

        private mutating func object(depth: Int) throws(Fault) -> JSONNode {
            position += 1
            var members: [(key: [UInt8], value: JSONNode)] = []
            if try takes("}") { return .object(members) }
            while true {
                guard try peek() == UInt8(ascii: "\"") else { throw Fault(problem: "lacks a key") }
                let key = try string()
                guard try takes(":") else { throw Fault(problem: "lacks a colon") }
                members.append((key, try value(depth: depth + 1)))
                if try takes("}") { return .object(members) }
                guard try takes(",") else { throw Fault(problem: "lacks a comma") }
            }
        }

        private mutating func array(depth: Int) throws(Fault) -> JSONNode {
            position += 1
            var elements: [JSONNode] = []
            if try takes("]") { return .array(elements) }
            while true {
                elements.append(try value(depth: depth + 1))
                if try takes("]") { return .array(elements) }
                guard try takes(",") else { throw Fault(problem: "lacks a comma") }
            }
        }

        private mutating func string() throws(Fault) -> [UInt8] {
            position += 1
            var text: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard String(validating: text, as: UTF8.self) != nil else {
                        throw Fault(problem: "has a string that is not UTF-8")
                    }
                    return text
                case UInt8(ascii: "\\"): try escape(into: &text)
                case 0..<0x20: throw Fault(problem: "has a control character in a string")
                default: text.append(byte)
                }
            }
            throw Fault(problem: "ends within a string")
        }

        private mutating func escape(into text: inout [UInt8]) throws(Fault) {
            guard position < bytes.count else { throw Fault(problem: "ends within a string") }
            let letter = bytes[position]
            position += 1
            let plain: [UInt8: UInt8] = [
                UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
                UInt8(ascii: "t"): 9, UInt8(ascii: "\""): letter, UInt8(ascii: "\\"): letter, UInt8(ascii: "/"): letter,
            ]
            if let byte = plain[letter] { return text.append(byte) }
            guard letter == UInt8(ascii: "u") else { throw Fault(problem: "has an unknown escape") }
            var code = try hexadecimal()
            if 0xD800..<0xDC00 ~= code, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw Fault(problem: "has half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw Fault(problem: "has half a surrogate pair") }
            text += String(scalar).utf8
        }

        private mutating func hexadecimal() throws(Fault) -> UInt32 {
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                    throw Fault(problem: "has an unknown escape")
                }
                code = code << 4 | UInt32(digit)
                position += 1
            }
            return code
        }

        private mutating func number() throws(Fault) -> Double {
            let start = position
            while position < bytes.count, Self.numberBytes.contains(bytes[position]) { position += 1 }
            guard start < position, position - start < 400,
                let value = Double(String(decoding: bytes[start..<position], as: UTF8.self))
            else { throw Fault(problem: "lacks a value") }
            return value
        }

        private static let numberBytes = Set("0123456789+-.eE".utf8)

        private mutating func word(_ word: String, _ value: JSONNode) throws(Fault) -> JSONNode {
            guard bytes[position...].starts(with: word.utf8) else { throw Fault(problem: "lacks a value") }
            position += word.utf8.count
            return value
        }

        private mutating func takes(_ character: Unicode.Scalar) throws(Fault) -> Bool {
            guard try peek() == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        private mutating func peek() throws(Fault) -> UInt8 {
            skipSpace()
            guard position < bytes.count else { throw Fault(problem: "ends too early") }
            return bytes[position]
        }

        private mutating func skipSpace() {
            while position < bytes.count {
                switch bytes[position] {
                case 0x20, 0x09, 0x0A, 0x0D: position += 1
                default: return
                }
            }
        }
    }
}
