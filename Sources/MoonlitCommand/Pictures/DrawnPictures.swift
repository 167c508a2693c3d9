import Images
import Moonlit

/// What a run has drawn so far: pictures in files, and what is written of all of them together when it ends.
struct DrawnPictures {
    /// Where that is to be written; nil is nowhere.
    struct Files {
        var latents: OutputPath?
        var sheet: OutputPath?
        var filmStrip: OutputPath?
    }

    private let names: PictureNames
    private let files: Files
    private let isEnlarging: Bool
    /// In files.
    private(set) var pictures: [Generate.Result.Picture] = []
    /// All that were drawn, where the best were kept.
    private(set) var candidates: [Generate.Result.Candidate] = []
    /// Of the first picture in a file.
    private(set) var settings: Settings?
    /// How many were drawn to the end, whether they are kept or not.
    private(set) var finished = 0
    /// How many there was no time to enlarge.
    private(set) var small = 0
    private var latents: [Latents] = []
    private var sheet = PictureSheet()
    private var film = Film()

    /// - Parameter isEnlarging: whether a second stage enlarges each picture.
    init(_ names: PictureNames, _ files: Files, isEnlarging: Bool) {
        self.names = names
        self.files = files
        self.isEnlarging = isEnlarging
    }

    /// What steps are to show for it.
    var showing: Set<TextToImage.Preview> {
        var showing: Set<TextToImage.Preview> = []
        if files.filmStrip != nil { showing.insert(.noisy) }
        if files.latents != nil { showing.insert(.latents) }
        return showing
    }

    mutating func take(_ step: GenerationStep) {
        film.take(step)
        if let last = step.latents { latents.append(last) }
        finished += step.results.count
    }

    mutating func take(_ scores: [Shortlist.Score], of prompt: String) {
        candidates += scores.map { Generate.Result.Candidate(prompt: prompt, seed: $0.seed, likeness: $0.likeness) }
    }

    /// Writes a finished picture.
    ///
    /// - Parameter prompt: its place among the prompts, from 0.
    mutating func write(_ picture: GeneratedPicture, ofPrompt prompt: Int) throws -> Generate.Result.Picture {
        let own = picture.settings
        let path = names.path(prompt: prompt, seed: own.seed)
        try picture.write(to: path)
        let written = Generate.Result.Picture(
            path: path, prompt: own.prompt, seed: own.seed, likeness: picture.likeness, width: picture.picture.width,
            height: picture.picture.height)
        pictures.append(written)
        settings = settings ?? own
        if isEnlarging, own.upscale == nil { small += 1 }
        if files.sheet != nil { sheet.take(picture) }
        return written
    }

    /// Writes what is of all pictures together, as far as there is anything.
    ///
    /// - Returns: the files that were written.
    func writeTogether() throws -> Files {
        var written = files
        if latents.isEmpty { written.latents = nil }
        if pictures.isEmpty { written.sheet = nil }
        if film.rows.isEmpty { written.filmStrip = nil }
        // First what cannot be too large.
        if let file = written.latents { try Latents(joining: latents).write(to: file.path) }
        if let file = written.sheet { try sheet.picture().write(to: file.path) }
        if let file = written.filmStrip { try film.picture().write(to: file.path) }
        return written
    }
}
