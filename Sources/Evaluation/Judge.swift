internal import Datasets
public import Images
public import Models
public import Tensors

/// Who judges: a model of pictures and texts that had no part in drawing.
public struct Judge {
    public let model: any PictureTextModel
    /// What the judge is called in reports.
    public let name: String
    public let device: Device
    private let batchSize: Int

    /// - Parameters:
    ///   - device: where the model's weights are.
    ///   - batchSize: pictures, or texts, at once.
    public init(_ model: any PictureTextModel, name: String, device: Device = .cpu, batchSize: Int = 128) {
        self.model = model
        self.name = name
        self.device = device
        self.batchSize = max(1, batchSize)
    }

    /// The middle square of each picture, brought to the side that the model looks at.
    /// - Parameter noise: that the pictures have when the model, which must know of noise, looks at them.
    public func embeddings(ofPictures pictures: [Picture], noise: PictureNoise? = nil) throws -> Embeddings {
        let side = model.imageSide
        let preparation = Preparation(size: side)
        var all = Embeddings(width: model.embeddingWidth)
        for batch in batches(of: pictures) {
            let values = try batch.flatMap { picture in
                try preparation.picture(of: Example(picture: picture.rgb, caption: "", key: "picture"), variation: 0)
                    .planes()
            }
            let clean = try Tensor(values, shape: [batch.count, 3, side, side])
            let noisy = try noise?.added(to: clean, first: batch.startIndex)
            try all.append(
                withoutGradients {
                    try model.embeddings(
                        ofPictures: (noisy?.pictures ?? clean).to(device: device), timesteps: noisy?.timesteps)
                })
        }
        return all
    }

    /// Of pictures that are made one after another, a batch of them in memory at a time.
    /// - Throws: `CancellationError` where the task was cancelled.
    func embeddings(count: Int, of picture: (Int) throws -> Picture) throws -> Embeddings {
        var all = Embeddings(width: model.embeddingWidth)
        for first in stride(from: 0, to: count, by: batchSize) {
            if Task.isCancelled { throw CancellationError() }
            all.append(try embeddings(ofPictures: (first..<min(first + batchSize, count)).map(picture)))
        }
        return all
    }

    public func embeddings(ofTexts texts: [String]) throws -> Embeddings {
        var all = Embeddings(width: model.embeddingWidth)
        for batch in batches(of: texts) {
            try all.append(withoutGradients { try model.embeddings(ofTexts: Array(batch)) })
        }
        return all
    }

    private func batches<T>(of items: [T]) -> [ArraySlice<T>] {
        stride(from: 0, to: items.count, by: batchSize).map { items[$0..<min($0 + batchSize, items.count)] }
    }
}

/// Rows of numbers of length 1, one a picture or text.
public struct Embeddings: Sendable, Equatable {
    public let width: Int
    public private(set) var values: [Float] = []

    public init(width: Int) { self.width = width }

    public var count: Int { width > 0 ? values.count / width : 0 }

    /// - Parameter rows: [N, width].
    /// - Throws: `EvaluationError.request` where the judge's numbers are not finite, or of another shape.
    mutating func append(_ rows: Tensor) throws {
        guard rows.rank == 2, rows.shape[1] == width else {
            throw EvaluationError.request("the judge gave embeddings of shape \(rows.shape); expected [N, \(width)]")
        }
        let numbers = try rows.to(.float32, device: .cpu).floats()
        guard numbers.allSatisfy(\.isFinite) else {
            throw EvaluationError.request("the judge gave embeddings that are not finite")
        }
        values += numbers
    }

    mutating func append(_ other: Embeddings) { values += other.values }

    /// [count, width].
    func tensor() throws -> Tensor { try Tensor(values, shape: [count, width]) }

    func prefix(_ rows: Int) -> Embeddings {
        var some = Embeddings(width: width)
        some.values = Array(values.prefix(rows * width))
        return some
    }

    /// The cosines between one row and all rows of another set.
    func similarities(of row: Int, to others: Embeddings) -> [Double] {
        values.withUnsafeBufferPointer { own in
            others.values.withUnsafeBufferPointer { theirs in
                (0..<others.count).map { other in
                    var sum = 0.0
                    for column in 0..<width {
                        sum += Double(own[row * width + column]) * Double(theirs[other * width + column])
                    }
                    return sum
                }
            }
        }
    }
}
