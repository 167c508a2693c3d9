internal import Images

/// Draws a list of prompts in batches into a folder, leaving out what is there.
struct Drawing {
    let maker: any PictureMaker
    let folder: String
    let sizes: EvaluationSizes
    /// Picture k has seed + k.
    let seed: UInt64
    let texts: (_ prompt: String, _ seed: UInt64) throws -> [PNGText]
    let tell: (EvaluationProgress) -> Void

    /// - Parameters:
    ///   - place: the folder within the folder.
    ///   - each: is given every batch, in order; what was there as it was read.
    /// - Throws: `CancellationError` between two batches, or between two steps of one.
    func pictures(
        of prompts: [String], in place: String, _ each: (Range<Int>, [Picture]) throws -> Void
    ) throws {
        let files = PictureFolder(folder + "/" + place)
        tell(.drawn(0, of: prompts.count))
        for first in stride(from: 0, to: prompts.count, by: max(1, sizes.batchSize)) {
            if Task.isCancelled { throw CancellationError() }
            let range = first..<min(first + max(1, sizes.batchSize), prompts.count)
            var pictures = try range.map { try files.picture($0) }
            let missing = range.filter { pictures[$0 - first] == nil }
            let seeds = missing.map { seed &+ UInt64($0) }
            for (number, picture) in zip(missing, try maker.pictures(of: missing.map { prompts[$0] }, seeds: seeds)) {
                try files.write(
                    picture, number, texts: texts(prompts[number], seed &+ UInt64(number)))
                pictures[number - first] = picture
            }
            let whole = pictures.compactMap { $0 }
            guard whole.count == range.count else {
                throw EvaluationError.tooFew("\(whole.count) pictures", expected: "\(range.count), one a prompt")
            }
            try each(range, whole)
            tell(.drawn(range.upperBound, of: prompts.count))
        }
    }
}
