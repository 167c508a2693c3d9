/// The Secure Hash Algorithm with 256 bits (FIPS 180-4), to tell files from one another.
enum SHA256 {
    private static let constants: [UInt32] = primes(64).map { fraction(of: $0, cubed: true) }
    private static let initial: [UInt32] = primes(8).map { fraction(of: $0, cubed: false) }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        hash(Array(bytes)).map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private static func hash(_ bytes: [UInt8]) -> [UInt32] {
        var state = initial
        var schedule = [UInt32](repeating: 0, count: 64)
        let whole = bytes.count / 64 * 64
        for start in stride(from: 0, to: whole, by: 64) { mix(bytes[start..<start + 64], &schedule, &state) }
        var tail = Array(bytes[whole...]) + [0x80]
        while tail.count % 64 != 56 { tail.append(0) }
        let bits = UInt64(bytes.count) &* 8
        tail += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
        for start in stride(from: 0, to: tail.count, by: 64) { mix(tail[start..<start + 64], &schedule, &state) }
        return state
    }

    private static func mix(_ block: ArraySlice<UInt8>, _ w: inout [UInt32], _ state: inout [UInt32]) {
        func rotated(_ x: UInt32, _ count: UInt32) -> UInt32 { x >> count | x << (32 - count) }
        var place = block.startIndex
        for index in 0..<16 {
            w[index] = (0..<4).reduce(0) { $0 << 8 | UInt32(block[place + $1]) }
            place += 4
        }
        for index in 16..<64 {
            let (a, b) = (w[index - 15], w[index - 2])
            let s0 = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
            let s1 = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
            w[index] = w[index - 16] &+ s0 &+ w[index - 7] &+ s1
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let first = h &+ s1 &+ (e & f ^ ~e & g) &+ constants[index] &+ w[index]
            let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            let second = s0 &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] = state[index] &+ value }
    }

    private static func primes(_ count: Int) -> [UInt64] {
        var found: [UInt64] = []
        var candidate: UInt64 = 2
        while found.count < count {
            if found.allSatisfy({ candidate % $0 != 0 }) { found.append(candidate) }
            candidate += 1
        }
        return found
    }

    /// The first 32 bits after the point of a root, exactly: the largest r with rᵏ ≤ n · 2³²ᵏ.
    private static func fraction(of number: UInt64, cubed: Bool) -> UInt32 {
        var root: UInt64 = 0
        for bit in (0..<36).reversed() {
            let next = root | 1 << UInt64(bit)
            // 128-bit comparison by parts: next² or next³ against number · 2⁶⁴ or number · 2⁹⁶.
            let square = next.multipliedFullWidth(by: next)
            if !cubed {
                if square.high < number || square.high == number && square.low == 0 { root = next }
            } else {
                let low = square.low.multipliedFullWidth(by: next)
                let high = square.high.multipliedFullWidth(by: next)
                let (middle, carry) = high.low.addingReportingOverflow(low.high)
                let top = high.high + (carry ? 1 : 0)
                // (top, middle, low.low) as three words; number · 2⁹⁶ is (number >> 32, number << 32, 0).
                let (wantedTop, wantedMiddle) = (number >> 32, number << 32)
                if top < wantedTop || top == wantedTop && middle < wantedMiddle { root = next }
            }
        }
        return UInt32(truncatingIfNeeded: root)
    }
}
