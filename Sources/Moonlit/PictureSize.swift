import Checkpoints

/// How large the pictures of a request are.
struct PictureSize {
    let width: Int
    let height: Int

    /// Pictures above this are refused before anything is allocated. Every format written holds it.
    static let maximumSide = 8192

    /// What was asked for; else the canvas's, the init image's (cut down to what the model can draw), or the size the
    /// model was trained on.
    ///
    /// - Throws: `GenerationError.invalid`.
    init(_ request: GenerationRequest, model: any DrawingConfiguration) throws {
        let multiple = model.sizeMultiple
        func side(_ asked: Int?, _ option: String, canvas: Int?, image: Int?) throws -> Int {
            let value = asked ?? canvas ?? image.map { max(multiple, $0 / multiple * multiple) } ?? model.imageSize
            guard (1...Self.maximumSide).contains(value), value % multiple == 0 else {
                throw GenerationError.invalid(
                    option: option, value: "\(value)",
                    expected: "a multiple of \(multiple) from \(multiple) to \(Self.maximumSide)")
            }
            return value
        }
        let (canvas, image) = (request.canvas, request.initImage)
        width = try side(request.width, "width", canvas: canvas?.width, image: image?.width)
        height = try side(request.height, "height", canvas: canvas?.height, image: image?.height)
        if let canvas, canvas.width != width || canvas.height != height {
            throw GenerationError.invalid(
                option: "canvas", value: "\(canvas.width)x\(canvas.height)", expected: "the picture's size, or neither")
        }
    }
}

/// A larger ground on which a picture lies.
public struct Canvas: Sendable, Hashable, Codable {
    /// Pixels, as `height`.
    public var width: Int
    public var height: Int
    /// Where the picture's upper left corner comes to lie; nil is the middle.
    public var x: Int?
    public var y: Int?

    public init(width: Int, height: Int, x: Int? = nil, y: Int? = nil) {
        self.width = width
        self.height = height
        self.x = x
        self.y = y
    }
}
