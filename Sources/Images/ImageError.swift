/// What can go wrong with a picture; every message names the file where there is one.
public enum ImageError: Error, Equatable, CustomStringConvertible {
    /// Sizes that no picture has, or that do not agree with the bytes given.
    case invalidSize(String)
    /// The file could not be read at all; the detail is a whole sentence.
    case unreadable(String)
    /// The file could not be written; the detail is a whole sentence.
    case unwritable(String)
    /// Its first bytes are of no format known here.
    case unknownFormat(file: String)
    /// The file's bytes are not what its format asks for.
    case damaged(file: String, format: ImageFormat, reason: String)
    /// More pixels than the caller allows; nothing was allocated for them.
    case tooLarge(file: String, width: Int, height: Int, maximumPixels: Int)

    public var description: String {
        switch self {
        case .invalidSize(let detail): "a picture of impossible size: \(detail)"
        case .unreadable(let detail): detail
        case .unwritable(let detail): detail
        case .unknownFormat(let file):
            "\(file): not a picture this program reads; PNG, JPEG and WebP are"
        case .damaged(let file, let format, let reason):
            "\(file): cannot be decoded as \(format.rawValue): \(reason)"
        case .tooLarge(let file, let width, let height, let maximum):
            "\(file): \(width)×\(height) pixels, more than the \(maximum) allowed; make it smaller or raise the limit"
        }
    }
}
