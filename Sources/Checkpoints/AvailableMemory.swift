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
        let file = "/sys/fs/cgroup/memory."
        let group = allowed(limit: text(file + "max"), used: text(file + "current"), statistics: text(file + "stat"))
        return [system, group].compactMap { $0 }.min()
        #else
        return Int(clamping: ProcessInfo.processInfo.physicalMemory / 2)
        #endif
    }

    /// What a control group still allows, in bytes, from its `memory.max`, `memory.current` and `memory.stat`. What the
    /// kernel keeps of files counts as used there, and is given back when memory is asked for.
    ///
    /// - Returns: nil where there is no limit.
    package static func allowed(limit: String?, used: String?, statistics: String?) -> Int? {
        guard let limit = limit.flatMap({ Int($0) }), let used = used.flatMap({ Int($0) }), limit >= 0, used >= 0 else {
            return nil
        }
        let cached = (statistics ?? "").split(separator: "\n").compactMap { line -> Int? in
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "inactive_file" || words[0] == "active_file" else { return nil }
            return Int(words[1]).map { max(0, $0) }
        }
        return max(0, limit - max(0, used - min(used, cached.boundedSum())))
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
