internal import Images
internal import Tensors

/// [N, 3, H, W] in −1…1 → N pictures.
func pictures(_ pixels: Tensor) throws -> [Picture] {
    let (count, height, width) = (pixels.shape[0], pixels.shape[2], pixels.shape[3])
    let numbers = try pixels.to(.float32, device: .cpu).contiguous().floats()
    let area = 3 * height * width
    return try (0..<count).map { index in
        try Picture(planes: Array(numbers[index * area..<(index + 1) * area]), width: width, height: height)
    }
}
