public import Tensors

/// An object of a JSON file, read by key; whatever does not fit is an error that names the file and the key.
public struct JSONObject: Sendable {
    public let file: String
    /// Where in the file, with a dot behind; empty at the top.
    let place: String
    public let members: [String: JSONValue]

    /// - Parameter takesInfinity: reads `Infinity` and `-Infinity` too, which Python writes.
    /// - Throws: `TensorFileError` or `CheckpointError`, naming the file.
    public init(path: String, takesInfinity: Bool = false) throws {
        guard case .object(let members) = try JSONValue(path: path, takesInfinity: takesInfinity) else {
            throw CheckpointError(path, "does not hold a JSON object", expected: "{ … }")
        }
        self.init(file: path, place: "", members: members)
    }

    public init(file: String, place: String = "", members: [String: JSONValue]) {
        self.file = file
        self.place = place
        self.members = members
    }

    /// The member, nil where it is absent or null.
    public subscript(_ key: String) -> JSONValue? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    /// The error for a member that does not serve.
    public func wrong(_ key: String, expected: String) -> CheckpointError {
        CheckpointError(file, "\(place)\(key) is \(members[key]?.summary ?? "missing")", expected: expected)
    }

    public func string(_ key: String) throws -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let text) = value else { throw wrong(key, expected: "a string") }
        return text
    }

    public func bool(_ key: String) throws -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .bool(let flag) = value else { throw wrong(key, expected: "true or false") }
        return flag
    }

    public func number(_ key: String) throws -> Double? {
        guard let value = self[key] else { return nil }
        guard case .number(let number) = value else { throw wrong(key, expected: "a number") }
        return number
    }

    /// A whole number within bounds.
    public func int(_ key: String, in range: ClosedRange<Int> = 0...1 << 24) throws -> Int? {
        guard let value = self[key] else { return nil }
        guard let whole = value.whole(in: range) else { throw wrong(key, expected: Self.words(range)) }
        return whole
    }

    /// A list of whole numbers, or one number that stands for `count` equal ones.
    public func ints(_ key: String, count: Int? = nil, in range: ClosedRange<Int> = 0...1 << 24) throws -> [Int]? {
        guard let value = self[key] else { return nil }
        if let count, let whole = value.whole(in: range) { return Array(repeating: whole, count: count) }
        let expected = "\(count.map { "\($0) numbers" } ?? "a list of numbers"), each \(Self.words(range))"
        guard case .array(let elements) = value, count ?? elements.count == elements.count else {
            throw wrong(key, expected: expected)
        }
        return try elements.map { element in
            guard let whole = element.whole(in: range) else { throw wrong(key, expected: expected) }
            return whole
        }
    }

    public func numbers(_ key: String) throws -> [Double]? {
        guard let value = self[key] else { return nil }
        guard case .array(let elements) = value else { throw wrong(key, expected: "a list of numbers") }
        return try elements.map { element in
            guard case .number(let number) = element else { throw wrong(key, expected: "a list of numbers") }
            return number
        }
    }

    public func strings(_ key: String) throws -> [String]? {
        guard let value = self[key] else { return nil }
        guard case .array(let elements) = value else { throw wrong(key, expected: "a list of strings") }
        return try elements.map { element in
            guard case .string(let text) = element else { throw wrong(key, expected: "a list of strings") }
            return text
        }
    }

    public func object(_ key: String) throws -> JSONObject? {
        guard let value = self[key] else { return nil }
        guard case .object(let members) = value else { throw wrong(key, expected: "an object") }
        return JSONObject(file: file, place: "\(place)\(key).", members: members)
    }

    /// - Throws: `CheckpointError` where it is nil.
    public func require<Value>(_ key: String, _ value: Value?) throws -> Value {
        guard let value else { throw wrong(key, expected: "to be there") }
        return value
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
}

extension JSONValue {
    func whole(in range: ClosedRange<Int>) -> Int? {
        guard case .number(let number) = self, let whole = Int(exactly: number), range.contains(whole) else {
            return nil
        }
        return whole
    }
}
