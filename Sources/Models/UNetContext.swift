package import Layers
public import Tensors

/// What a U-Net sees besides the picture and the time.
public struct UNetContext {
    /// The text's states [N, L, width], attended to at every level.
    public var text: Tensor? {
        didSet { memories = [:] }
    }
    /// Added to the time embedding: [N, embedding width].
    public var embedding: Tensor?
    /// Pooled text and picture sizes, [N, added width], which a network with `addedWidth` turns into such an embedding
    /// itself (`addedInput` makes them).
    public var added: Tensor?
    /// While training: where dropout draws from.
    public var dropout: RandomGenerator?
    /// Where it is written down how strongly pixels attend to the text.
    package var attention: AttentionRecord.Recording?
    /// Keys and values of `text` for each block of a spatial transformer, by the transformer's path: see
    /// `UNet.prepared`.
    package var memories: [String: [CrossAttention.Memory]] = [:]

    public init(
        text: Tensor? = nil, embedding: Tensor? = nil, added: Tensor? = nil, dropout: RandomGenerator? = nil
    ) {
        self.text = text
        self.embedding = embedding
        self.added = added
        self.dropout = dropout
    }
}
