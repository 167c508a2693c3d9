import ArgumentParser
import Moonlit

/// Pictures from pictures.
struct PictureOptions: ParsableArguments {
    @Option(help: "A picture to begin with: PNG, JPEG or WebP.")
    var initImage: String?

    @Option(help: "How far from the init image: near 0 leaves it, 1 begins anew. 0.8 unless given; 1 with --mask or --canvas.")
    var strength: Double?

    @Option(help: "A picture of the init image's size; white is painted anew.")
    var mask: String?

    @Option(help: "Lay the init image on a ground of WIDTHxHEIGHT and paint what is around it.")
    var canvas: Extent?

    @Option(help: "Where on the canvas its upper left corner lies, as X,Y; in the middle unless given.")
    var offset: Offset?

    struct Extent: ExpressibleByArgument {
        let width: Int
        let height: Int

        init?(argument: String) {
            let parts = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else { return nil }
            self.width = width
            self.height = height
        }
    }

    struct Offset: ExpressibleByArgument {
        let x: Int
        let y: Int

        init?(argument: String) {
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let x = parts[0], let y = parts[1], x.magnitude < 1 << 20,
                y.magnitude < 1 << 20
            else { return nil }
            self.x = x
            self.y = y
        }
    }

    func validate() throws {
        if let strength, !(strength > 0 && strength <= 1) {
            throw ValidationError("--strength is \(strength); expected more than 0, at most 1.")
        }
        let needy = [("--strength", strength != nil), ("--mask", mask != nil), ("--canvas", canvas != nil)]
        if initImage == nil, let option = needy.first(where: { $0.1 })?.0 {
            throw ValidationError("\(option) needs --init-image.")
        }
        if offset != nil, canvas == nil { throw ValidationError("--offset needs --canvas.") }
    }

    /// - Throws: `ImageError` for a file that is no picture.
    func apply(to request: inout GenerationRequest) throws {
        request.initImage = try initImage.map { try InputPicture(path: $0) }
        request.strength = strength
        request.mask = try mask.map { try InputPicture(path: $0) }
        request.canvas = canvas.map { Canvas(width: $0.width, height: $0.height, x: offset?.x, y: offset?.y) }
    }
}
