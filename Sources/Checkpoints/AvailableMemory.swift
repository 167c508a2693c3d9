#if canImport(Darwin)
import Darwin
#endif
import Foundation

/// How much memory this machine can still give.
package enum AvailableMemory {
    /// In bytes: what Linux estimates to be had without swapping, and what the process's control group allows; half of
    /// all elsewhere. nil where the system does not say.
    package static var bytes: Int? {
        #if os(Linux)
        let system = text("/proc/meminfo").flatMap { meminfo($0) }
        let limit = text("/sys/fs/cgroup/memory.max").flatMap { Int($0) }
        let used = text("/sys/fs/cgroup/memory.current").flatMap { Int($0) }
        let group = limit.flatMap { limit in used.map { max(0, limit - $0) } }
        return [system, group].compactMap { $0 }.min()
        #else
        return Int(clamping: ProcessInfo.processInfo.physicalMemory / 2)
        #endif
    }

    /// The line `MemAvailable:  7654321 kB` in bytes.
    static func meminfo(_ text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            guard let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
            let (bytes, overflow) = kilobytes.multipliedReportingOverflow(by: 1024)
            return overflow ? nil : bytes
        }
        return nil
    }

    /// These files have no length, so they are not mapped.
    private static func text(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: 1 << 16) else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
