extension Picture {
    /// The picture in another size, whatever its proportions; see ``ResamplingFilter``.
    ///
    /// Colours are weighed by their alpha, so none bleeds out of transparent parts. Sample for sample as
    /// `Image.resize` on eight bits in Pillow up to version 12: across first, rounded, then down.
    ///
    /// - Throws: `ImageError.invalidSize` where a side is not positive, or both make over 2³⁰ pixels.
    public func resized(
        width newWidth: Int, height newHeight: Int, filter: ResamplingFilter = .lanczos
    ) throws(ImageError) -> Picture {
        try resized(
            across: 0..<Double(width), down: 0..<Double(height), width: newWidth, height: newHeight, filter: filter)
    }

    /// The part of the picture that lies between the given edges, in another size. Edges may cut through pixels.
    func resized(
        across columns: Range<Double>, down rows: Range<Double>, width newWidth: Int, height newHeight: Int,
        filter: ResamplingFilter
    ) throws(ImageError) -> Picture {
        guard let count = byteCount(width: newWidth, height: newHeight, channels: 1), count <= 1 << 30 else {
            throw .invalidSize("\(width)×\(height) to be resized to \(newWidth)×\(newHeight)")
        }
        let keepsWidth = newWidth == width && columns == 0..<Double(width)
        let keepsHeight = newHeight == height && rows == 0..<Double(height)
        if keepsWidth && keepsHeight { return self }
        guard let support = filter.support else {
            return nearest(across: columns, down: rows, width: newWidth, height: newHeight)
        }

        var result = hasAlpha ? premultiplied() : self
        let down = ResamplingWeights(filter, support: support, length: height, span: rows, to: newHeight)
        if !keepsWidth {
            let across = ResamplingWeights(filter, support: support, length: width, span: columns, to: newWidth)
            // Only the rows that enter the result.
            result = result.resampledAcross(across, rows: keepsHeight ? 0..<height : down.needed)
        }
        if !keepsHeight { result = result.resampledDown(down, firstRow: keepsWidth ? 0 : down.needed.lowerBound) }
        return hasAlpha ? result.unpremultiplied() : result
    }

    private func nearest(
        across columns: Range<Double>, down rows: Range<Double>, width newWidth: Int, height newHeight: Int
    ) -> Picture {
        let (source, channels, stride) = (pixels, channels, width * channels)
        func indices(_ span: Range<Double>, of length: Int, to target: Int) -> [Int] {
            let scale = (span.upperBound - span.lowerBound) / Double(target)
            return (0..<target).map { min(Int((Double($0) + 0.5) * scale + span.lowerBound), length - 1) }
        }
        let fromColumns = indices(columns, of: width, to: newWidth)
        let fromRows = indices(rows, of: height, to: newHeight)
        return Picture(width: newWidth, height: newHeight, channels: channels) { target in
            source.withUnsafeBufferPointer { source in
                var at = 0
                for row in fromRows {
                    for column in fromColumns {
                        let from = row * stride + column * channels
                        for channel in 0..<channels { target[at + channel] = source[from + channel] }
                        at += channels
                    }
                }
            }
        }
    }

    private func resampledAcross(_ weights: ResamplingWeights, rows: Range<Int>) -> Picture {
        let (source, width, channels) = (pixels, width, channels)
        let newWidth = weights.starts.count
        return Picture(width: newWidth, height: rows.count, channels: channels) { target in
            source.withUnsafeBufferPointer { source in
                weights.values.withUnsafeBufferPointer { values in
                    var at = 0
                    for row in rows {
                        for column in 0..<newWidth {
                            let first = column * weights.taps
                            var from = (row * width + weights.starts[column]) * channels
                            var sums = SIMD4<Int32>(repeating: 1 << (ResamplingWeights.precision - 1))
                            if channels == 3 {
                                for tap in first..<(first + weights.counts[column]) {
                                    let pixel = SIMD4<Int32>(
                                        Int32(source[from]), Int32(source[from + 1]), Int32(source[from + 2]), 0)
                                    sums = sums &+ pixel &* values[tap]
                                    from += 3
                                }
                            } else {
                                for tap in first..<(first + weights.counts[column]) {
                                    let pixel = SIMD4<Int32>(
                                        Int32(source[from]), Int32(source[from + 1]), Int32(source[from + 2]),
                                        Int32(source[from + 3]))
                                    sums = sums &+ pixel &* values[tap]
                                    from += 4
                                }
                            }
                            for channel in 0..<channels { target[at + channel] = clampedSample(sums[channel]) }
                            at += channels
                        }
                    }
                }
            }
        }
    }

    /// - Parameter firstRow: where this picture's first row stood in the one that `weights` are for.
    private func resampledDown(_ weights: ResamplingWeights, firstRow: Int) -> Picture {
        let (source, stride) = (pixels, width * channels)
        var sums = [Int32](repeating: 0, count: stride)
        return Picture(width: width, height: weights.starts.count, channels: channels) { target in
            source.withUnsafeBufferPointer { source in
                sums.withUnsafeMutableBufferPointer { sums in
                    for row in 0..<weights.starts.count {
                        sums.update(repeating: 1 << (ResamplingWeights.precision - 1))
                        for tap in 0..<weights.counts[row] {
                            let weight = weights.values[row * weights.taps + tap]
                            let from = (weights.starts[row] - firstRow + tap) * stride
                            for index in 0..<stride {
                                sums[index] = sums[index] &+ Int32(source[from + index]) &* weight
                            }
                        }
                        let at = row * stride
                        for index in 0..<stride { target[at + index] = clampedSample(sums[index]) }
                    }
                }
            }
        }
    }

    /// Colours times alpha, as Pillow's mode `RGBa`.
    private func premultiplied() -> Picture {
        mapPixels { pixel, alpha in
            let product = pixel * alpha + 128
            return ((product >> 8) + product) >> 8
        }
    }

    private func unpremultiplied() -> Picture {
        mapPixels { pixel, alpha in alpha == 0 || alpha == 255 ? pixel : Swift.min(255 * pixel / alpha, 255) }
    }

    @inline(__always)
    private func mapPixels(_ transform: (UInt32, UInt32) -> UInt32) -> Picture {
        let source = pixels
        return Picture(width: width, height: height, channels: 4) { target in
            source.withUnsafeBufferPointer { source in
                for at in stride(from: 0, to: target.count, by: 4) {
                    let alpha = UInt32(source[at + 3])
                    for channel in 0..<3 {
                        target[at + channel] = UInt8(truncatingIfNeeded: transform(UInt32(source[at + channel]), alpha))
                    }
                    target[at + 3] = source[at + 3]
                }
            }
        }
    }
}

@inline(__always)
private func clampedSample(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> Int32(ResamplingWeights.precision), 0), 255))
}
