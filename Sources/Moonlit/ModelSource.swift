import Checkpoints

/// Where a model comes from.
public enum ModelSource: Sendable, Hashable {
    /// The embedded model that is used unless another is named.
    case bundled
    /// An embedded model by its name.
    case embedded(String)
    /// A file of weights, or a folder as diffusers writes it.
    case file(String)

    /// What a user typed: the path of a file or folder that is there, else an embedded model's name.
    public init(_ text: String) {
        self = EmbeddedModels.place(named: text) == text ? .file(text) : .embedded(text)
    }

    /// What a user types for it: the path, or the embedded model's name.
    public var text: String {
        switch self {
        case .bundled: Self.standard
        case .embedded(let name): name
        case .file(let path): path
        }
    }

    static let standard = "scenes-latent"

    /// The names of the embedded models.
    public static var embeddedNames: [String] { EmbeddedModels.names }

    /// - Throws: `GenerationError.unknownModel`.
    public func path() throws -> String {
        switch self {
        case .bundled: return try ModelSource.embedded(Self.standard).path()
        case .file(let path): return path
        case .embedded(let name):
            guard let path = EmbeddedModels.path(of: name) else {
                throw GenerationError.unknownModel(name, known: Self.embeddedNames)
            }
            return path
        }
    }
}
