import Layers
import Models
import Tensors
import Testing

/// How strongly pixels attend to their text, against glide-text2im (Tests/Fixtures/glide/heat.py).
@Suite struct AttentionRecordTests {
    /// In the order of the reference's calls.
    private static let blocks = ["input_blocks.3.1", "middle_block.1", "output_blocks.0.1", "output_blocks.1.1"]

    private func answer(
        _ network: GLIDE, _ golden: TensorArchive, _ recording: AttentionRecord.Recording?
    ) throws -> Tensor {
        try withoutGradients {
            let text = try network.text(tokens: golden.tensor("glide.tokens"), mask: golden.tensor("glide.mask"))
            return try network(
                golden.tensor("glide.x"), timesteps: golden.tensor("glide.timesteps"), text: text, conditions: .init(),
                attention: recording)
        }
    }

    @Test func weightsAreTheReferences() throws {
        let (golden, heat) = (try GLIDETests.open("base"), try GLIDETests.open("heat"))
        let network = try GLIDETests.network("base", .text)
        let record = AttentionRecord()
        let recorded = try answer(network, golden, .init(record, rows: 0..<3))
        #expect(record.sums.keys.sorted() == Self.blocks)
        for (index, block) in Self.blocks.enumerated() {
            let (own, expected) = (try #require(record.sums[block]), try heat.tensor("weights.\(index)"))
            #expect(own.shape == expected.shape)
            let error = try (own - expected).norm().item() / expected.norm().item()
            #expect(error < 1e-5, "\(block): \(error)")
        }
        // Who looks on changes nothing.
        #expect(try recorded.floats() == answer(network, golden, nil).floats())
    }

    @Test func callsAddUpAndRowsAreChosen() throws {
        let golden = try GLIDETests.open("base")
        let network = try GLIDETests.network("base", .text)
        let (all, some) = (AttentionRecord(), AttentionRecord())
        _ = try answer(network, golden, .init(all, rows: 0..<3))
        for _ in 0..<2 { _ = try answer(network, golden, .init(some, rows: 1..<2)) }
        for block in Self.blocks {
            let (whole, part) = (try #require(all.sums[block]), try #require(some.sums[block]))
            #expect(part.shape == [1] + whole.shape.dropFirst())
            #expect(try (part - whole.rows(1..<2) * 2).abs().max().item() < 1e-6)
        }
    }

    @Test func heatIsTheMeanOfAllHeads() throws {
        #expect(try AttentionRecord().heat(height: 8, width: 8) == nil)
        let golden = try GLIDETests.open("base")
        let record = AttentionRecord()
        _ = try answer(GLIDETests.network("base", .text), golden, .init(record, rows: 0..<3))
        // All maps are 8×8 here: nothing is enlarged.
        let heat = try #require(try record.heat(height: 8, width: 8))
        #expect(heat.shape == [3, 8, 8, 8])
        let stacked = try Tensor.concatenate(Self.blocks.map { try #require(record.sums[$0]) }, dim: 1)
        #expect(try (heat - stacked.mean([1])).abs().max().item() < 1e-6)
        let large = try #require(try record.heat(height: 16, width: 24))
        #expect(large.shape == [3, 8, 16, 24])
        #expect(try large.min().item() >= 0)
    }
}
