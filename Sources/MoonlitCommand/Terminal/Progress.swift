/// How far long work has come: a bar with rate and time left on a terminal, now and then a line elsewhere.
struct Progress {
    let title: String
    let unit: String
    var total: Int
    private let isQuiet: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant?
    private var shownDone = 0

    init(_ title: String, total: Int, unit: String, isQuiet: Bool) {
        self.title = title
        self.total = total
        self.unit = unit
        self.isQuiet = isQuiet
        start = clock.now
    }

    var elapsed: Double { start.duration(to: clock.now).seconds }

    /// - Parameter note: stands at the end, such as a loss.
    mutating func update(_ done: Int, note: String = "") {
        guard !isQuiet else { return }
        let now = clock.now
        let since = (shown ?? start).duration(to: now).seconds
        let isEnd = done >= total
        if Console.isTerminal {
            guard since > 0.1 || isEnd || shown == nil else { return }
            Console.draw("\r\u{1B}[K\(title) \(bar(done)) \(facts(done))\(note.isEmpty ? "" : "  \(note)")")
        } else {
            // Each tenth, but no flood; and a sign of life where a tenth takes long.
            let isTenth = done * 10 / max(total, 1) > shownDone * 10 / max(total, 1)
            guard isEnd && shownDone < done || isTenth && since > 1 || since > 30 else { return }
            Console.say("\(title): \(facts(done))\(note.isEmpty ? "" : ", \(note)")")
        }
        (shown, shownDone) = (now, done)
    }

    /// Takes the bar away; messages may follow.
    func finish() {
        if !isQuiet, Console.isTerminal, shown != nil { Console.draw("\r\u{1B}[K") }
    }

    private func bar(_ done: Int) -> String {
        let width = 24
        let eighths = min(width * 8, max(0, width * 8 * done / max(total, 1)))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        let filled = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
        return "│" + filled + String(repeating: " ", count: width - filled.count) + "│"
    }

    private func facts(_ done: Int) -> String {
        let elapsed = elapsed
        guard done > 0, elapsed > 0 else { return "\(done)/\(total) \(unit)s" }
        let rate = Double(done) / elapsed
        let speed = rate >= 1 ? "\(rate.rounded(to: 1)) \(unit)s/s" : "\((1 / rate).rounded(to: 1)) s/\(unit)"
        let left = Double(total - done) / rate
        return "\(done)/\(total) \(unit)s, \(speed)" + (done < total ? ", \(duration(left)) left" : "")
    }
}

/// 0:07, 12:30, 1:02:03.
func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension Double {
    func rounded(to places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
