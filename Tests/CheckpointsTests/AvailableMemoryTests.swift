import Checkpoints
import Testing

/// What the files of a control group say of memory.
struct AvailableMemoryTests {
    @Test func whatIsKeptOfFilesCountsAsFree() {
        let statistics = "anon 300\nfile 650\ninactive_file 400\nactive_file 200\nworkingset_refault_file 7"
        #expect(AvailableMemory.allowed(limit: "1000", used: "950", statistics: statistics) == 650)
        #expect(AvailableMemory.allowed(limit: "1000", used: "950", statistics: nil) == 50)
        #expect(AvailableMemory.allowed(limit: "1000", used: "1200", statistics: "") == 0)
        // No more than is used.
        #expect(AvailableMemory.allowed(limit: "1000", used: "500", statistics: statistics) == 1000)
    }

    @Test func groupsWithoutALimitSayNothing() {
        #expect(AvailableMemory.allowed(limit: "max", used: "950", statistics: "active_file 1") == nil)
        #expect(AvailableMemory.allowed(limit: nil, used: "950", statistics: nil) == nil)
        #expect(AvailableMemory.allowed(limit: "1000", used: nil, statistics: nil) == nil)
        #expect(AvailableMemory.allowed(limit: "-1", used: "0", statistics: nil) == nil)
    }

    @Test func oddStatisticsAreSurvived() {
        let largest = Int.max
        let odd = "active_file x\nactive_file\ninactive_file -5\n\n"
        #expect(AvailableMemory.allowed(limit: "1000", used: "950", statistics: odd) == 50)
        let huge = "active_file \(largest)\ninactive_file \(largest)"
        #expect(AvailableMemory.allowed(limit: "\(largest)", used: "\(largest)", statistics: huge) == largest)
    }
}
