internal import Foundation

/// One line of `log.jsonl`: means over the steps since the line before.
public struct LogEntry: Codable, Sendable, Equatable {
    /// Steps done.
    public var step: Int
    /// nil where all of them were skipped.
    public var loss: Double?
    /// The learning rate of the last step.
    public var rate: Double
    /// Before clipping; nil where all steps were skipped.
    public var gradientNorm: Double?
    public var samplesPerSecond: Double
    /// Mean loss of each quarter of the process, the least noisy first; nil where no example fell into it.
    public var lossByQuarter: [Double?]
    /// Steps whose numbers were not finite, and which changed nothing.
    public var skipped: Int
    /// What else the objective measures, by name; nil where it measures nothing else.
    public var measures: [String: Double]?
}

/// Gathers what steps report until a line is written.
struct LogWindow {
    private var steps = 0
    private var loss = 0.0
    private var norm = 0.0
    private var rate = 0.0
    private var skipped = 0
    private var measures: [String: Double] = [:]
    private var quarters: [(sum: Double, count: Int)] = Array(repeating: (0, 0), count: 4)

    mutating func add(_ report: Trainer.Report) {
        rate = report.rate
        guard report.isApplied else {
            skipped += 1
            return
        }
        steps += 1
        loss += report.loss
        norm += report.gradientNorm
        measures.merge(report.measures) { $0 + $1 }
        for example in report.examples {
            let quarter = min(3, max(0, Int(example.time * 4)))
            quarters[quarter].sum += example.loss
            quarters[quarter].count += 1
        }
    }

    func entry(step: Int, samplesPerSecond: Double) -> LogEntry {
        let count = Double(max(1, steps))
        return LogEntry(
            step: step, loss: steps > 0 ? loss / count : nil, rate: rate, gradientNorm: steps > 0 ? norm / count : nil,
            samplesPerSecond: samplesPerSecond,
            lossByQuarter: quarters.map { $0.count > 0 ? $0.sum / Double($0.count) : nil }, skipped: skipped,
            measures: measures.isEmpty ? nil : measures.mapValues { $0 / count })
    }
}

/// `log.jsonl` and TensorBoard's events.
final class RunLog {
    private let lines: AppendedFile
    private let events: EventFile

    /// - Parameter step: lines of later steps, and a last one cut short by a kill, are removed.
    init(folder: String, from step: Int) throws {
        let path = folder + "/log.jsonl"
        if let data = FileManager.default.contents(atPath: path) {
            let kept = data.split(separator: UInt8(ascii: "\n")).filter { line in
                guard let entry = try? JSONDecoder().decode(LogEntry.self, from: Data(line)) else { return false }
                return entry.step <= step
            }
            let text = kept.reduce(into: Data()) {
                $0 += $1
                $0.append(UInt8(ascii: "\n"))
            }
            if text != data { try Durable.write(text, to: path) }
        }
        lines = try AppendedFile(path)
        events = try EventFile(folder: folder, step: step == 0 ? 0 : step + 1)
    }

    func write(_ entry: LogEntry) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try lines.append(Array(try encoder.encode(entry)) + [UInt8(ascii: "\n")])
        let quarters = zip(1..., entry.lossByQuarter).map { (tag: "loss/quarter \($0)", value: $1) }
        let values: [(tag: String, value: Double?)] =
            [
                ("loss/mean", entry.loss), ("rate", entry.rate), ("gradient norm", entry.gradientNorm),
                ("samples per second", entry.samplesPerSecond),
            ] + quarters + (entry.measures ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        try events.scalars(values.compactMap { tag, value in value.map { (tag, $0) } }, step: entry.step)
    }

    func write(samples png: [UInt8], width: Int, height: Int, step: Int) throws {
        try events.image("samples", png: png, width: width, height: height, step: step)
    }
}
