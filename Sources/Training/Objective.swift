package import Datasets
internal import Foundation
package import Images
package import Layers
package import Tensors

/// What a run learns: its networks, their loss on a batch, and what is kept of them.
///
/// What `gradients` computes is a pure function of the weights, the batch and the step: random numbers come from
/// generators seeded by `StepSeeds`. So a run that resumes computes, on the CPU, the same bits as one that was never
/// interrupted.
package protocol Objective {
    /// Of all networks, in order; the same tensors as long as the objective lives.
    var parameters: [(name: String, value: Tensor)] { get }
    /// Rows of the token table; 0 where no text is read.
    var vocabularyCount: Int { get }

    /// What a checkpoint says of the model, so that `Beginning.checkpoint` can build it again: JSON.
    func description() throws -> String

    /// - Parameter step: steps done before this one.
    func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed

    /// Before the first step; a run that is stopped here begins with it again.
    func prepare(_ data: any CaptionedPictures, isStopped: () -> Bool, _ tell: (String) -> Void) throws

    /// What the model is called in a run's folder.
    var modelName: String { get }

    /// Whether the optimizer's weight decay shrinks a parameter.
    func decays(_ parameter: Tensor) -> Bool

    /// Brings parameters, all or some, back within their bounds after a step.
    func bound(_ parameters: [(name: String, value: Tensor)]) throws

    /// Writes the model that the run is for: the old file or the whole new one.
    /// - Parameter averages: the averaged weights, named as `parameters` are.
    func write(_ averages: [(name: String, value: Tensor)], to path: String) throws

    /// Pictures by which a person follows the run, each with its caption; none where there is nothing to see.
    func samples(_ averages: [(name: String, value: Tensor)], workers: WorkerGroup) throws -> [(picture: Picture, caption: String)]
}

extension Objective {
    package var modelName: String { "model.safetensors" }

    package func prepare(_ data: any CaptionedPictures, isStopped: () -> Bool, _ tell: (String) -> Void) throws {}

    package func decays(_ parameter: Tensor) -> Bool { true }

    package func bound(_ parameters: [(name: String, value: Tensor)]) throws {}
}

/// Gradients of each part of a batch, and what was found on the way.
package struct Computed {
    /// For each part, one gradient a parameter; nil where the loss does not depend on it.
    package let parts: [[Tensor?]]
    /// Each example's loss, and where in the process it was, 0 to 1.
    package let examples: [(loss: Double, time: Double)]
    /// Other numbers worth a line in the log, by name.
    package let measures: [String: Double]

    package init(parts: [[Tensor?]], examples: [(loss: Double, time: Double)], measures: [String: Double] = [:]) {
        self.parts = parts
        self.examples = examples
        self.measures = measures
    }

    package var loss: Double { examples.reduce(0) { $0 + $1.loss } / Double(max(1, examples.count)) }

    /// One gradient a parameter, of the whole batch's mean loss.
    package func averaged() throws -> [Tensor?] {
        try (parts.first ?? []).indices.map { index in
            try Computed.sum(parts, index).map { try $0 * (1 / Double(parts.count)) }
        }
    }

    /// The parts' gradients of one parameter, added in order; a tensor of its own.
    static func sum(_ parts: [[Tensor?]], _ index: Int) throws -> Tensor? {
        let present = parts.compactMap { $0[index] }
        guard let first = present.first else { return nil }
        if present.count == 1 { return try first.clone() }
        let sum = try first + present[1]
        for other in present.dropFirst(2) { try sum.addInPlace(other) }
        return sum
    }
}

/// Where a run's weights come from.
package enum Beginning {
    case drawn
    /// A model's file.
    case model(String)
    /// A checkpoint: what `Objective.description` said, and the weights by their names.
    case checkpoint(description: String, weights: any TensorSource)
}

extension Decodable {
    /// What an objective said of its model when a checkpoint was written.
    /// - Throws: `TrainingError.checkpoint` naming the file of the weights.
    init(_ description: String, of weights: any TensorSource) throws {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(description.utf8)) else {
            throw TrainingError.checkpoint(weights.sourceName, problem: "it does not say of which model it is")
        }
        self = read
    }
}

/// The random numbers of one step: one seed for each purpose.
package struct StepSeeds {
    private let seed: UInt64
    private let step: Int

    package init(_ seed: UInt64, step: Int) {
        self.seed = seed
        self.step = step
    }

    package subscript(purpose: UInt64) -> UInt64 {
        var draws = SeededGenerator(seed, UInt64(step), purpose)
        return draws.next()
    }
}

/// Networks whose weights can be trained: a file's tensors lie in its mapped memory, which cannot be written to, and are
/// copied, in row-major order, as the optimizer's moments are.
package func trainable<Networks>(
    _ source: WeightStore.Source, device: Device, _ build: (Weights) throws -> Networks
) throws -> (networks: Networks, parameters: [(name: String, value: Tensor)]) {
    var store = WeightStore(source, device: device)
    var built = try build(Weights(store))
    try store.finish()
    if case .tensors = source {
        let copies = try store.parameters.map { parameter -> (name: String, value: Tensor) in
            let copy = try Tensor.empty(parameter.value.shape, dtype: parameter.value.dtype, device: device)
            try copy.copyInPlace(parameter.value)
            return (name: parameter.name, value: copy)
        }
        store = WeightStore(.tensors(TensorDictionary(copies)), device: device)
        built = try build(Weights(store))
    }
    for parameter in store.parameters { try parameter.value.setRequiresGrad(true) }
    return (built, store.parameters)
}
