import CCanvas

/// A square Cairo surface in unit coordinates: (0, 0) is the top left corner, (1, 1) the bottom right.
///
/// Pixels are Cairo's ARGB32: premultiplied, one native-endian 32-bit word each.
final class Canvas {
    typealias Point = (x: Double, y: Double)

    let size: Int
    private let surface: OpaquePointer
    private let context: OpaquePointer

    /// - Throws: `SceneError.canvas` where Cairo has no memory for it.
    init(size: Int) throws(SceneError) {
        self.size = size
        guard let surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(size), Int32(size)),
            let context = cairo_create(surface)
        else { throw .canvas("Cairo gave no surface of \(size)×\(size)") }
        self.surface = surface
        self.context = context
        let status = cairo_status(context)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw .canvas("a canvas of \(size)×\(size): \(String(cString: cairo_status_to_string(status)))")
        }
        cairo_scale(context, Double(size), Double(size))
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    /// Reads or changes the pixels, rows from the top.
    func withPixels<R>(_ body: (UnsafeMutableBufferPointer<UInt32>) -> R) -> R {
        cairo_surface_flush(surface)
        defer { cairo_surface_mark_dirty(surface) }
        guard let bytes = cairo_image_surface_get_data(surface) else { return body(.init(start: nil, count: 0)) }
        // An ARGB32 row is exactly four bytes a pixel: Cairo's stride for it needs no padding.
        return bytes.withMemoryRebound(to: UInt32.self, capacity: size * size) {
            body(UnsafeMutableBufferPointer(start: $0, count: size * size))
        }
    }

    // MARK: paths

    func fill(_ colour: Colour, alpha: Double = 1, _ path: () -> Void) {
        cairo_set_source_rgba(context, colour.r, colour.g, colour.b, alpha)
        cairo_new_path(context)
        path()
        cairo_fill(context)
    }

    func move(_ x: Double, _ y: Double) { cairo_move_to(context, x, y) }
    func line(_ x: Double, _ y: Double) { cairo_line_to(context, x, y) }
    func curve(_ a: Point, _ b: Point, _ end: Point) { cairo_curve_to(context, a.x, a.y, b.x, b.y, end.x, end.y) }
    func close() { cairo_close_path(context) }

    func arc(_ x: Double, _ y: Double, _ radius: Double) {
        cairo_new_sub_path(context)
        cairo_arc(context, x, y, radius, 0, 2 * .pi)
    }

    func polygon(_ points: [Point], _ colour: Colour, alpha: Double = 1) {
        fill(colour, alpha: alpha) {
            for (i, p) in points.enumerated() { if i == 0 { move(p.x, p.y) } else { line(p.x, p.y) } }
            close()
        }
    }

    func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: Colour, alpha: Double = 1) {
        fill(colour, alpha: alpha) { cairo_rectangle(context, x, y, width, height) }
    }

    func roundedRectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, radius r: Double, _ colour: Colour,
        alpha: Double = 1
    ) {
        fill(colour, alpha: alpha) {
            cairo_arc(context, x + width - r, y + r, r, -.pi / 2, 0)
            cairo_arc(context, x + width - r, y + height - r, r, 0, .pi / 2)
            cairo_arc(context, x + r, y + height - r, r, .pi / 2, .pi)
            cairo_arc(context, x + r, y + r, r, .pi, 1.5 * .pi)
            close()
        }
    }

    func ellipse(
        _ x: Double, _ y: Double, _ rx: Double, _ ry: Double, _ colour: Colour, alpha: Double = 1, turned: Double = 0
    ) {
        cairo_save(context)
        cairo_translate(context, x, y)
        cairo_rotate(context, turned)
        cairo_scale(context, rx, ry)
        fill(colour, alpha: alpha) { arc(0, 0, 1) }
        cairo_restore(context)
    }

    func stroke(_ points: [Point], width: Double, _ colour: Colour, alpha: Double = 1) {
        cairo_set_source_rgba(context, colour.r, colour.g, colour.b, alpha)
        cairo_set_line_width(context, width)
        cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
        cairo_new_path(context)
        for (i, p) in points.enumerated() { if i == 0 { move(p.x, p.y) } else { line(p.x, p.y) } }
        cairo_stroke(context)
    }

    // MARK: gradients

    /// A band from `top` to `bottom` over the whole width.
    func verticalGradient(from top: Double, to bottom: Double, _ stops: [(at: Double, colour: Colour)]) {
        guard let pattern = cairo_pattern_create_linear(0, top, 0, bottom) else { return }
        for stop in stops {
            cairo_pattern_add_color_stop_rgb(pattern, stop.at, stop.colour.r, stop.colour.g, stop.colour.b)
        }
        cairo_set_source(context, pattern)
        cairo_new_path(context)
        cairo_rectangle(context, -0.1, top, 1.2, bottom - top)
        cairo_fill(context)
        cairo_pattern_destroy(pattern)
    }

    /// A soft spot that fades to nothing at its rim.
    func glow(_ x: Double, _ y: Double, _ rx: Double, _ ry: Double, _ colour: Colour, alpha: Double) {
        guard let pattern = cairo_pattern_create_radial(0, 0, 0, 0, 0, 1) else { return }
        cairo_pattern_add_color_stop_rgba(pattern, 0, colour.r, colour.g, colour.b, alpha)
        cairo_pattern_add_color_stop_rgba(pattern, 0.5, colour.r, colour.g, colour.b, alpha * 0.36)
        cairo_pattern_add_color_stop_rgba(pattern, 1, colour.r, colour.g, colour.b, 0)
        cairo_save(context)
        cairo_translate(context, x, y)
        cairo_scale(context, rx, ry)
        cairo_set_source(context, pattern)
        cairo_new_path(context)
        arc(0, 0, 1)
        cairo_fill(context)
        cairo_restore(context)
        cairo_pattern_destroy(pattern)
    }

    // MARK: frames and layers

    /// Draws in a frame whose unit square is `box`, mirrored left to right where asked.
    func inside(_ box: SceneDescription.Box, mirrored: Bool = false, _ body: () throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        cairo_translate(context, mirrored ? box.maxX : box.x, box.y)
        cairo_scale(context, mirrored ? -box.width : box.width, box.height)
        try body()
    }

    /// Draws only within a rectangle.
    func clipped(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ body: () throws -> Void) rethrows {
        cairo_save(context)
        defer { cairo_restore(context) }
        cairo_new_path(context)
        cairo_rectangle(context, x, y, width, height)
        cairo_clip(context)
        try body()
    }

    /// Lays another canvas of the same size over this one.
    func lay(_ layer: Canvas, alpha: Double = 1) {
        cairo_save(context)
        cairo_identity_matrix(context)
        cairo_set_source_surface(context, layer.surface, 0, 0)
        cairo_paint_with_alpha(context, alpha)
        cairo_restore(context)
    }

    /// Lays a layer upside down, mirrored at height `axis` and squashed by `squash`.
    func layReflected(_ layer: Canvas, axis: Double, squash: Double, alpha: Double) {
        cairo_save(context)
        let side = Double(size)
        cairo_identity_matrix(context)
        cairo_translate(context, 0, axis * side * (1 + squash))
        cairo_scale(context, 1, -squash)
        cairo_set_source_surface(context, layer.surface, 0, 0)
        cairo_paint_with_alpha(context, alpha)
        cairo_restore(context)
    }

    /// Fills the frame's unit square with a cut-out.
    func draw(_ cutOut: CutOut) {
        cutOut.pixels.withUnsafeBytes { bytes in
            // Cairo only reads a surface that is a source, so the immutable bytes are safe in its hands.
            let memory = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            guard
                let source = cairo_image_surface_create_for_data(
                    memory, CAIRO_FORMAT_ARGB32, Int32(cutOut.width), Int32(cutOut.height), Int32(cutOut.width * 4))
            else { return }
            cairo_save(context)
            cairo_scale(context, 1 / Double(cutOut.width), 1 / Double(cutOut.height))
            cairo_set_source_surface(context, source, 0, 0)
            cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_GOOD)
            cairo_rectangle(context, 0, 0, Double(cutOut.width), Double(cutOut.height))
            cairo_fill(context)
            cairo_restore(context)
            cairo_surface_finish(source)
            cairo_surface_destroy(source)
        }
    }
}

/// What can go wrong when scenes are set up or drawn.
public enum SceneError: Error, Equatable, CustomStringConvertible {
    /// A configuration that asks for the impossible: which part, and what would do.
    case configuration(String)
    /// A cut-out that the collection of pictures lacks.
    case missingCutOut(String)
    /// Cairo could not draw.
    case canvas(String)

    public var description: String {
        switch self {
        case .configuration(let detail): "scenes cannot be composed so: \(detail)"
        case .missingCutOut(let detail): "a cut-out is missing: \(detail)"
        case .canvas(let detail): detail
        }
    }
}
