import Layers
import Tensors
import Testing

struct WeightsTests {
    func drawn(_ dtype: DType = .float32) throws -> WeightStore {
        WeightStore(.initial(try RandomGenerator(seed: 1)), dtype: dtype)
    }

    @Test func parametersComeInTheOrderTheyAreAskedFor() throws {
        let store = try drawn()
        let weights = Weights(store)
        _ = try Linear(weights / "b" / 0, in: 2, out: 3)
        _ = try GroupNorm(weights / "a", channels: 4, groups: 2)
        _ = try Embedding(weights, count: 5, width: 2)
        try store.finish()
        #expect(store.parameters.map(\.name) == ["b.0.weight", "b.0.bias", "a.weight", "a.bias", "weight"])
        #expect(store.parameterCount() == 6 + 3 + 4 + 4 + 10)
        #expect(store.parameterCount { $0.hasPrefix("a.") } == 8)
    }

    @Test func duplicatesAreRefused() throws {
        let weights = Weights(try drawn())
        _ = try Linear(weights / "x", in: 2, out: 2)
        #expect(throws: WeightError(source: "drawn weights", mistakes: [.duplicate("x.weight")])) {
            try Linear(weights / "x", in: 2, out: 2)
        }
    }

    @Test func allMistakesAreReportedAtOnce() throws {
        let source = TensorDictionary(
            [("a.weight", try .zeros([3, 2])), ("a.bias", try .zeros([4])), ("stray", try .zeros([1])), ("ok", try .zeros([]))],
            name: "test.pt")
        let store = WeightStore(.tensors(source))
        store.ignore { $0 == "ok" }
        let weights = Weights(store)
        _ = try Linear(weights / "a", in: 2, out: 3)
        _ = try LayerNorm(weights / "norm", width: 7)
        let error = try #require(throws: WeightError.self) { try store.finish() }
        #expect(error.mistakes == [
            .misshaped("a.bias", expected: [3], found: [4]), .missing("norm.weight", [7]), .missing("norm.bias", [7]),
            .unexpected("stray"),
        ])
        for words in ["test.pt: 4 tensors", "a.bias is [4], expected [3]", "missing norm.bias [7]", "unexpected stray"] {
            #expect(error.description.contains(words))
        }
    }

    @Test func aLongListOfMistakesIsCut() throws {
        let store = WeightStore(.tensors(TensorDictionary([])))
        for index in 0..<30 { _ = try LayerNorm(Weights(store) / index, width: 1) }
        let error = try #require(throws: WeightError.self) { try store.finish() }
        #expect(error.mistakes.count == 60 && error.description.hasSuffix("and 40 more"))
    }

    /// The caller says the type; norms stay in float32, whatever the file has.
    @Test(arguments: [DType.float32, .bfloat16, .float64], [DType.float32, .float16])
    func theCallerChoosesTheType(wanted: DType, stored: DType) throws {
        let tensors = try [("l.weight", [2, 2]), ("l.bias", [2]), ("n.weight", [2]), ("n.bias", [2])].map {
            ($0.0, try Tensor.ones($0.1, dtype: stored))
        }
        for source in [WeightStore.Source.tensors(TensorDictionary(tensors)), .initial(try RandomGenerator(seed: 1))] {
            let store = WeightStore(source, dtype: wanted)
            let linear = try Linear(Weights(store) / "l", in: 2, out: 2)
            let norm = try LayerNorm(Weights(store) / "n", width: 2)
            #expect(linear.weight.dtype == wanted && linear.bias?.dtype == wanted)
            #expect(norm.weight.dtype == .float32 && norm.bias.dtype == .float32)
            #expect(try norm(.ones([1, 2], dtype: wanted)).dtype == wanted)
        }
    }

    /// What is widened is so from there on; types that are not halves stay.
    @Test(arguments: [(DType.bfloat16, DType.float32), (.float16, .float32), (.float32, .float32), (.float64, .float64)])
    func halvesAreWidened(run: DType, widened: DType) throws {
        let weights = Weights(try drawn(run))
        let convolution = try Convolution2D(weights.widened / "out" / 2, in: 2, out: 2)
        #expect(convolution.weight.dtype == widened && convolution.bias?.dtype == widened)
        #expect(try Convolution2D(weights / "in", in: 2, out: 2).weight.dtype == run)
    }

    @Test func initialValues() throws {
        let weights = Weights(try drawn())
        let linear = try Linear(weights / "l", in: 100, out: 50)
        #expect(try linear.weight.abs().max().item() <= 0.1 && linear.weight.abs().max().item() > 0.099)
        let table = try Embedding(weights / "e", count: 100, width: 100, deviation: 0.02).weight
        #expect(try abs(table.variance().sqrt().item() - 0.02) < 6e-4)  // 4 standard errors
        let zero = try Convolution2D(weights / "c", in: 2, out: 2, initial: .zeros)
        #expect(try zero.weight.abs().max().item() == 0 && zero.bias?.abs().max().item() == 0)
        let norm = try GroupNorm(weights / "n", channels: 2, groups: 1)
        #expect(try norm.weight.floats() == [1, 1] && norm.bias.floats() == [0, 0])
    }

    @Test func sourcesJoinAndStrip() throws {
        let first = TensorDictionary([("net.a", try .ones([1])), ("other", try .ones([1]))], name: "one")
        let second = TensorDictionary([("net.a", try .zeros([2])), ("net.b", try .zeros([2]))], name: "two")
        let source = PrefixedSource(JoinedSource([first, second]), prefix: "net.")
        #expect(source.tensorNames == ["a", "b"] && source.sourceName == "one, two")
        #expect(source.shape(of: "a") == [1] && source.shape(of: "b") == [2] && source.shape(of: "c") == nil)
        #expect(try source.tensor("a").floats() == [1])
        #expect(throws: WeightError.self) { try source.tensor("c") }
    }

    @Test func copyReportsEverythingAndChangesNothing() throws {
        let target = [("a", try Tensor.zeros([2])), ("b", try Tensor.zeros([2])), ("c", try Tensor.zeros([1]))]
        let source = TensorDictionary([("a", try .ones([2])), ("b", try .ones([3]))])
        let error = try #require(throws: WeightError.self) { try copy(from: source, into: target) }
        #expect(error.mistakes == [.misshaped("b", expected: [2], found: [3]), .missing("c", [1])])
        #expect(try target[0].1.floats() == [0, 0])
        try copy(from: source, into: [target[0]])
        #expect(try target[0].1.floats() == [1, 1])
    }
}
