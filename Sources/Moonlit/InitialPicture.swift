import Images
import Tensors

/// The picture that a request begins with, in the size that is drawn or enlarged to, with what is to be kept of it.
struct InitialPicture {
    let picture: Picture
    /// Of the same size, bright where it is painted anew.
    let mask: Picture?

    /// - Parameter width: in pixels, as `height`.
    /// - Returns: nil where the request begins with noise.
    /// - Throws: `GenerationError.invalid` for a mask of another size, or a picture outside its canvas.
    init?(_ request: GenerationRequest, width: Int, height: Int) throws {
        guard let input = request.initImage else { return nil }
        let mask = request.mask
        if let mask, mask.width != input.width || mask.height != input.height {
            throw GenerationError.invalid(
                option: "mask", value: "\(mask.width)×\(mask.height)",
                expected: "the init image's size, \(input.width)×\(input.height)")
        }
        guard let canvas = request.canvas else {
            picture = try input.picture().resized(width: width, height: height)
            self.mask = try mask?.picture().resized(width: width, height: height, filter: .nearest)
            return
        }
        let x = canvas.x ?? (canvas.width - input.width) / 2
        let y = canvas.y ?? (canvas.height - input.height) / 2
        guard canvas.width > 0, canvas.height > 0, x > -input.width, y > -input.height, x < canvas.width, y < canvas.height
        else {
            throw GenerationError.invalid(
                option: "offset", value: "\(x),\(y)", expected: "a part of the picture on the canvas")
        }
        picture = try Self.laid(input.pixels, input, canvas, x, y, outside: nil).resized(width: width, height: height)
        let inside = mask?.pixels ?? [UInt8](repeating: 0, count: input.pixels.count)
        self.mask = try Self.laid(inside, input, canvas, x, y, outside: 255)
            .resized(width: width, height: height, filter: .nearest)
    }

    /// Pixels on a canvas; around them a value, or the nearest pixel of the edge.
    private static func laid(
        _ pixels: [UInt8], _ input: InputPicture, _ canvas: Canvas, _ x: Int, _ y: Int, outside: UInt8?
    ) throws -> Picture {
        var result = [UInt8](repeating: 0, count: canvas.width * canvas.height * 3)
        for row in 0..<canvas.height {
            let from = min(max(row - y, 0), input.height - 1)
            for column in 0..<canvas.width {
                let left = min(max(column - x, 0), input.width - 1)
                let isInside = from == row - y && left == column - x
                for channel in 0..<3 {
                    let value = pixels[(from * input.width + left) * 3 + channel]
                    result[(row * canvas.width + column) * 3 + channel] = isInside ? value : outside ?? value
                }
            }
        }
        return try Picture(width: canvas.width, height: canvas.height, channels: 3, pixels: result)
    }

    /// The picture [1, 3, H, W] in −1…1, and 1 where it is kept [1, 1, H, W].
    func tensors() throws -> (pixels: Tensor, kept: Tensor?) {
        let shape = [1, 3, picture.height, picture.width]
        let pixels = try Tensor(picture.rgb.planes(), shape: shape)
        guard let mask else { return (pixels, nil) }
        let kept = Self.isPainted(mask).map { $0 ? Float(0) : 1 }
        return (pixels, try Tensor(kept, shape: [1, 1, mask.height, mask.width]))
    }

    /// A picture painted into this one, of its size, with what is to be kept put back to the bit.
    func putBack(into painted: Picture) throws -> Picture {
        guard let mask else { return painted }
        var pixels = painted.rgb.pixels
        let own = picture.rgb.pixels
        for (place, isPainted) in Self.isPainted(mask).enumerated() where !isPainted {
            for index in 3 * place..<3 * place + 3 { pixels[index] = own[index] }
        }
        return try Picture(width: painted.width, height: painted.height, channels: 3, pixels: pixels)
    }

    /// Of each pixel: whether it is as bright as half is bright, by the mean of red, green and blue.
    private static func isPainted(_ mask: Picture) -> [Bool] {
        let bytes = mask.rgb.pixels
        return stride(from: 0, to: bytes.count - 2, by: 3).map { index in
            Int(bytes[index]) + Int(bytes[index + 1]) + Int(bytes[index + 2]) >= 3 * 128
        }
    }
}
