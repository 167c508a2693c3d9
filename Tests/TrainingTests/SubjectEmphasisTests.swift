import Datasets
import Images
import Tensors
import Testing
import Training

/// A share of the error that is the subjects' alone.
@Suite struct SubjectEmphasisTests {
    @Test func sharesAreKept() throws {
        let regions = [
            [Region(x: 0.25, y: 0.5, width: 0.25, height: 0.25)],
            // Of cells partly, and two that overlap.
            [Region(x: 0.1, y: 0.1, width: 0.3, height: 0.3), Region(x: 0.3, y: 0.3, width: 0.5, height: 0.4)],
            [Region(x: 0, y: 0, width: 1, height: 1)],
            [],
        ]
        let map = try #require(SubjectEmphasis(share: 0.3)).map(of: regions, side: 8)
        #expect(map.shape == [4, 1, 8, 8])
        let values = try map.floats()
        for example in 0..<4 {
            let own = values[example * 64..<(example + 1) * 64]
            #expect(abs(own.reduce(0, +) / 64 - 1) < 1e-5)
        }
        // 4 of 64 cells are the subject's: 0.7 outside, 0.7 + 0.3 · 16 inside.
        for row in 0..<8 {
            for column in 0..<8 {
                let isInside = (2..<4).contains(column) && (4..<6).contains(row)
                #expect(abs(values[row * 8 + column] - (isInside ? 5.5 : 0.7)) < 1e-5)
            }
        }
        #expect(values[128...].allSatisfy { abs($0 - 1) < 1e-5 })
        // The second's first cell is covered by a twenty-fifth of what its fully covered ones are.
        let second = Array(values[64..<128])
        let (corner, full, bare) = (second[0], second[3 * 8 + 4], second[7 * 8])
        #expect(abs((corner - bare) / (full - bare) - 0.04) < 1e-4)
        #expect(SubjectEmphasis(share: 0) == nil)
    }

    /// A run heeds it where the set knows its subjects, and is the same run where it does not.
    @Test func stepsHeedIt() throws {
        struct Located: CaptionedPictures {
            let name = "located"
            let knows: Bool
            var count: Int { ColouredSet().count }
            func example(at index: Int, variation: UInt64) throws -> Example {
                var example = try ColouredSet().example(at: index, variation: variation)
                if knows { example.regions = [Region(x: 0, y: 0, width: 0.25, height: 0.25)] }
                return example
            }
        }
        var configuration = small()
        configuration.network.dropout = 0
        func gradient(share: Double, knows: Bool) throws -> [Float] {
            configuration.loss.subjectShare = share
            let batch = try BatchLoader(
                Located(knows: knows), preparation: configuration.preparation, batchSize: 4, seed: 0).batch(step: 0)
            return try trainer(configuration).gradients(of: batch).averaged().compactMap { $0 }.flatMap { try $0.floats() }
        }
        let plain = try gradient(share: 0, knows: true)
        #expect(try gradient(share: 0.5, knows: false) == plain)
        let heeding = try gradient(share: 0.5, knows: true)
        let change = zip(heeding, plain).reduce(0) { $0 + abs($1.0 - $1.1) } / plain.reduce(0) { $0 + abs($1) }
        #expect(change > 0.05)
    }

    @Test func refusedWhereItCannotBeHeeded() {
        for yaml in [
            "loss: {subjectShare: 1.5}", "preset: clip-64\nloss: {subjectShare: 0.3}",
            "preset: upsampler-64-256\nloss: {subjectShare: 0.3}",
        ] {
            let error = #expect(throws: TrainingError.self) { try TrainingConfiguration(yaml: yaml) }
            #expect(error?.description.contains("loss.subjectShare") == true)
        }
    }
}
