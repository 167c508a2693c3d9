internal import Layers
internal import Models
package import Tensors

/// What a picture's embedding says of the words of its caption, through a linear layer that is left out of the model: so
/// each caption teaches what its picture shows, and not only how it differs from the captions beside it (Joulin et al.
/// 2016, eq. 2; CatLIP, Mehta et al. 2024).
struct WordPrediction {
    private let layer: Linear
    private let scale: Double

    init(_ weights: Weights, embedding: Int, vocabulary: Int) throws {
        layer = try Linear(weights, in: embedding, out: vocabulary)
        scale = Double(embedding).squareRoot()
    }

    /// - Parameter embeddings: [N, embedding], each of length 1.
    /// - Returns: [N, vocabulary], float32: a logit a word.
    func callAsFunction(_ embeddings: Tensor) throws -> Tensor { try layer(embeddings * scale).to(.float32) }
}

/// Cross-entropy between words that are predicted and those of the captions.
package enum WordLoss {
    /// How the words of each caption share its attention: a word has the less the more captions of the batch have it, as
    /// inverse document frequency.
    ///
    /// - Parameter captions: the tokens of each.
    /// - Returns: [N, vocabulary]; each row sums to 1, or is 0 for an empty caption.
    package static func targets(_ captions: [[Int]], vocabulary: Int) throws -> Tensor {
        let words = captions.map { Set($0) }
        let counts = words.joined().reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        var values = [Float](repeating: 0, count: captions.count * vocabulary)
        for (row, own) in words.enumerated() {
            // In order, so that the sum is the same in every process.
            let sorted = own.sorted()
            let total = sorted.reduce(0) { $0 + 1 / Double(counts[$1] ?? 1) }
            for word in sorted { values[row * vocabulary + word] = Float(1 / Double(counts[word] ?? 1) / total) }
        }
        return try Tensor(values, shape: [captions.count, vocabulary])
    }

    /// The mean over the captions: a scalar.
    package static func mean(of logits: Tensor, _ targets: Tensor) throws -> Tensor {
        try -(logits.logSoftmax(dim: 1) * targets).sum([1]).mean()
    }
}
