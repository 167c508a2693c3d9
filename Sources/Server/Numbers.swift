/// A number in JSON. Of one that does not fit, `JSONDecoder` alone says that the whole body is no JSON; this names the key.
struct Number<Value: Decodable & Sendable>: Decodable, Sendable {
    let value: Value

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do { value = try container.decode(Value.self) } catch let error as DecodingError { throw error } catch {
            let kind = Value.self is any BinaryInteger.Type ? "whole number" : "number"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a \(kind) of 64 bits")
        }
    }
}

/// 0 to 2⁶⁴ − 1; below 0 draws one.
struct Seed: Decodable, Sendable {
    let value: UInt64

    static var drawn: UInt64 { .random(in: 0..<1 << 32) }

    init(from decoder: any Decoder) throws {
        if let number = try? Number<UInt64>(from: decoder) {
            value = number.value
        } else {
            _ = try Number<Int64>(from: decoder)
            value = Self.drawn
        }
    }
}
