/// The shape of a CLIP text tower (Radford et al. 2021), of OpenAI's, OpenCLIP's or another size.
public struct CLIPTextConfiguration: Codable, Sendable, Equatable {
    public enum Activation: String, Codable, Sendable, CaseIterable {
        /// `x · σ(1.702 x)`, OpenAI's.
        case quickGELU
        /// Exact GELU, OpenCLIP's.
        case gelu
    }

    /// Rows of the token table.
    public var vocabulary: Int
    /// Tokens it reads at most, start and end included.
    public var context: Int
    public var width: Int
    /// The width between the two layers of a perceptron.
    public var expandedWidth: Int
    public var layers: Int
    public var heads: Int
    public var activation: Activation
    /// The token at whose first place the pooled state stands; nil takes the first place of the highest token, as CLIP's
    /// own code does, whose end token is the highest.
    public var endToken: Int?
    /// The width of the space shared with pictures, where the tower projects into it.
    public var projection: Int?
    /// Of every layer normalisation.
    public var epsilon: Double

    /// - Parameter expandedWidth: four times the width where nil.
    public init(
        vocabulary: Int = 49_408, context: Int = 77, width: Int, expandedWidth: Int? = nil, layers: Int, heads: Int,
        activation: Activation = .quickGELU, endToken: Int? = nil, projection: Int? = nil, epsilon: Double = 1e-5
    ) {
        self.vocabulary = vocabulary
        self.context = context
        self.width = width
        self.expandedWidth = expandedWidth ?? width.multipliedReportingOverflow(by: 4).partialValue
        self.layers = layers
        self.heads = heads
        self.activation = activation
        self.endToken = endToken
        self.projection = projection
        self.epsilon = epsilon
    }

    /// OpenAI's ViT-L/14: Stable Diffusion 1, and the first of XL's two.
    public static let openAILarge = CLIPTextConfiguration(width: 768, layers: 12, heads: 12)

    /// OpenCLIP's ViT-H/14 without its last layer, as Stable Diffusion 2 uses it.
    public static let openCLIPHuge = CLIPTextConfiguration(width: 1024, layers: 23, heads: 16, activation: .gelu)

    /// OpenCLIP's ViT-bigG/14: the second of XL's two, and its refiner's.
    public static let openCLIPBigG = CLIPTextConfiguration(
        width: 1280, layers: 32, heads: 20, activation: .gelu, projection: 1280)

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        for (name, value, limit) in [
            ("vocabulary", vocabulary, 1 << 22), ("context", context, 65_536), ("width", width, 65_536),
            ("perceptron's width", expandedWidth, 1 << 18), ("layers", layers, 256), ("heads", heads, 1024),
            ("projection", projection ?? 1, 65_536),
        ] where !(1...limit).contains(value) {
            throw ConfigurationError("the CLIP text tower's \(name) must be 1 to \(limit), not \(value)")
        }
        guard width % heads == 0 else {
            throw ConfigurationError("a text width of \(width) does not divide into \(heads) heads")
        }
        guard epsilon > 0, epsilon < 1 else {
            throw ConfigurationError("a normalisation's epsilon of \(epsilon)")
        }
    }
}
