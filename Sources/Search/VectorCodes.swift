/// Embeddings in whole numbers of one byte, a quarter of their size: what a search reads of every picture.
///
/// v ≈ scale · codes, with ‖v − scale · codes‖ kept beside them. By Cauchy and Schwarz, the product with a query of
/// length 1 is known to within that number, so that a search over codes can leave out what is certainly not among the
/// nearest, and nothing else.
enum VectorCodes {
    /// Numbers a row, filled up with zeros to what vector instructions take at once.
    static func padded(_ width: Int) -> Int { (width + 15) / 16 * 16 }

    /// Scale and error as float32, then the codes.
    static func rowBytes(_ width: Int) -> Int { 8 + padded(width) }

    /// Appends a row for one embedding.
    static func append(_ vector: UnsafeBufferPointer<Float>, to bytes: inout [UInt8]) {
        let largest = vector.reduce(0) { max($0, abs($1)) }
        let scale = largest / 127
        var squares = 0.0
        let header = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: rowBytes(vector.count)))
        for (index, value) in vector.enumerated() where scale > 0 {
            let code = min(max((Double(value) / Double(scale)).rounded(), -127), 127)
            let rest = Double(value) - Double(scale) * code
            squares += rest * rest
            bytes[header + 8 + index] = UInt8(bitPattern: Int8(code))
        }
        put(scale, at: header, in: &bytes)
        put(Float(squares.squareRoot()).nextUp, at: header + 4, in: &bytes)
    }

    private static func put(_ value: Float, at place: Int, in bytes: inout [UInt8]) {
        let bits = value.bitPattern
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte))) }
    }
}

/// What is looked for: an embedding brought to length 1, also in whole numbers of two bytes.
struct VectorQuery {
    let values: [Double]
    let codes: [Int16]
    let scale: Float
    /// What the whole numbers and the arithmetic on them may cost a product at most.
    let error: Float

    /// - Throws: `SearchError.embedding` where there is no direction.
    init(_ embedding: [Float]) throws(SearchError) {
        let length = embedding.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 0 else {
            throw .embedding("a query's embedding of length \(length): no picture can be like it")
        }
        let values = embedding.map { Double($0) / length }
        let width = VectorCodes.padded(values.count)
        // So that the sum of `width` products fits an Int32.
        let limit = min(32_767, Int(Int32.max) / (127 * width))
        let scale = Float(values.reduce(0) { max($0, abs($1)) } / Double(limit)).nextUp
        var codes = [Int16](repeating: 0, count: width)
        var squares = 0.0
        for (index, value) in values.enumerated() {
            let code = (value / Double(scale)).rounded()
            let rest = value - Double(scale) * code
            squares += rest * rest
            codes[index] = Int16(code)
        }
        self.values = values
        self.codes = codes
        self.scale = scale
        // Rows are of length 1.001 at most, and float32 arithmetic on products below 1.1 errs by less than 1e-6.
        error = Float(squares.squareRoot() * 1.01 + 1e-6)
    }
}
