/// What a `.pt` file holds, as inert values: no class of it exists here and none of its functions was called.
public enum PickleValue: Sendable {
    /// An entry of a dictionary or an attribute of an object.
    public struct Member: Sendable {
        /// The key as text: numbers in decimal, and a key that is neither text nor number as `#` and its place.
        public let key: String
        public let value: PickleValue
    }

    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case bytes([UInt8])
    /// A list, a tuple or a set.
    case list([PickleValue])
    case dictionary([Member])
    indirect case tensor(TensorEntry)
    /// An object of a class unknown here, or what a function unknown here would have made: its name, and the entries
    /// and attributes it was given. An object met again has its members only the first time.
    case object(className: String, members: [Member])

    /// A dictionary's or an object's value for a key.
    public subscript(key: String) -> PickleValue? {
        switch self {
        case .dictionary(let members), .object(_, let members): members.first { $0.key == key }?.value
        default: nil
        }
    }

    public subscript(index: Int) -> PickleValue? {
        if case .list(let values) = self, values.indices.contains(index) { values[index] } else { nil }
    }
}
