import Datasets
import Foundation
import Images
import Testing

@Suite struct EmojiTests {
    private static let loaded = Result { try EmojiCollection.load() }
    let collection: EmojiCollection

    init() throws { collection = try Self.loaded.get() }

    @Test func isTheWholeFont() throws {
        // Unicode 15.0 with Noto 2.042; later versions have more.
        #expect(collection.emoji.count >= 1323)
        #expect(collection.objects.count >= 825)
        #expect(Set(collection.emoji.map(\.codepoints)).count == collection.emoji.count)
        #expect(
            Set(collection.emoji.map(\.group)) == [
                "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places",
                "Activities",
                "Objects",
            ])
    }

    @Test func leavesOutWhatIsNoPicture() {
        for emoji in collection.emoji {
            #expect(!emoji.codepoints.contains { (0x1F3FB...0x1F3FF).contains($0) || (0x1F1E6...0x1F1FF).contains($0) })
            #expect(!emoji.name.contains("o'clock") && !emoji.name.hasPrefix("family"))
        }
    }

    @Test func picturesShowWhatTheNameSays() throws {
        let apple = try #require(collection.first(named: "red apple"))
        #expect(apple.codepoints == [0x1F34E] && apple.subgroup == "food-fruit" && apple.keywords == ["fruit"])
        let picture = try collection.picture(of: apple)
        #expect((picture.width, picture.height, picture.channels) == (136, 128, 4))
        #expect(picture.pixels[3] == 0)
        let middle = (64 * 136 + 68) * 4
        let (red, green, blue) = (picture.pixels[middle], picture.pixels[middle + 1], picture.pixels[middle + 2])
        #expect(red > 180 && green < 100 && blue < 100 && picture.pixels[middle + 3] == 255)
        // A sequence of three characters that HarfBuzz makes one glyph of.
        let bear = try #require(collection.first(named: "polar bear face"))
        #expect(bear.codepoints.count > 2)
        #expect(
            try collection.picture(of: bear) != collection.picture(of: #require(collection.first(named: "bear face"))))
    }

    @Test func everyPictureIsDrawn() throws {
        for emoji in collection.emoji where emoji.codepoints.count > 2 || emoji.group == "Food & Drink" {
            let trimmed = try collection.picture(of: emoji).trimmed()
            #expect(trimmed.width > 20 && trimmed.height > 20, "\(emoji.name)")
            #expect(
                trimmed.contentBox().map { [$0.x, $0.y, $0.width, $0.height] } == [0, 0, trimmed.width, trimmed.height])
        }
    }

    @Test func threadsShareTheFont() async throws {
        let some = Array(collection.emoji.prefix(40))
        let alone = try some.map { try collection.picture(of: $0) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask { [collection] in try some.map { try collection.picture(of: $0) } == alone }
            }
            for try await same in group { #expect(same) }
        }
    }

    @Test func trainingPicturesAreSquareAndDeterministic() throws {
        let set = EmojiSet(collection, ground: .soft, groundNamed: 1)
        let first = try set.example(at: 10, variation: 4)
        #expect(try first == set.example(at: 10, variation: 4))
        #expect((first.picture.width, first.picture.height, first.picture.channels) == (144, 144, 3))
        let variations = try (0..<60).map { try set.example(at: 10, variation: $0) }
        #expect(Set(variations.map(\.caption)).count > 20)
        #expect(Set(variations.map { Array($0.picture.pixels.prefix(3)) }).count == 10)
        // The ground a caption names is the ground there is.
        for example in variations where example.caption.contains("on a black background") {
            #expect(example.picture.pixels[0] < 30)
        }
        for example in variations where example.caption.contains("on a white background") {
            #expect(Array(example.picture.pixels.prefix(3)) == [255, 255, 255])
        }
        #expect(variations.allSatisfy { $0.caption.contains(" background") })
        let white = try EmojiSet(collection).example(at: 10, variation: 4)
        #expect(!white.caption.contains("background") && white.picture.pixels[0] == 255)
    }

    @Test func saysWhatToInstall() throws {
        try withTemporaryFolder { folder in
            try write("no font", to: folder + "/NotoColorEmoji.ttf")
            #expect { try EmojiCollection.load(DataFiles(folder: folder)) } throws: { "\($0)".contains(folder) }
        }
        let nowhere = DataFiles(folder: nil, searchesSystem: false)
        for (file, package) in [
            (DataFiles.File.emojiFont, "fonts-noto-color-emoji"), (.emojiGroups, "unicode-data"),
            (.annotations, "unicode-cldr-core"), (.derivedAnnotations, "unicode-cldr-core"),
        ] {
            #expect { try nowhere.path(of: file) } throws: {
                "\($0)".contains("apt-get install \(package)") && "\($0)".contains("MOONLIT_DATA")
            }
        }
    }

    @Test(arguments: [
        ("red apple", "a red apple"), ("elephant", "an elephant"), ("grapes", "grapes"), ("fire", "fire"),
        ("fox face", "a fox face"), ("unicorn face", "a unicorn face"), ("ewe", "a ewe"), ("octopus", "an octopus"),
        ("hourglass done", "an hourglass that has run out"), ("one-piece swimsuit", "a one-piece swimsuit"),
        ("euro banknote", "a euro banknote"), ("x-ray", "an x-ray"), ("cactus", "a cactus"), ("bus", "a bus"),
        ("french fries", "french fries"), ("glasses", "glasses"), ("wine glass", "a wine glass"), ("dress", "a dress"),
        ("woman: red hair", "a woman with red hair"), ("man: bald", "a bald man"),
        ("kiss: man, man", "two men kissing"), ("Statue of Liberty", "the Statue of Liberty"),
        ("Santa Claus", "Santa Claus"), ("man rowing boat", "a man rowing a boat"), ("bread", "bread"),
        ("tennis", "a tennis racket and ball"), ("ear of corn", "an ear of corn"),
        ("face with tears of joy", "a face with tears of joy"),
        ("clapping hands", "clapping hands"), ("house with garden", "a house with a garden"), ("socks", "socks"),
    ])
    func phrasesAreEnglish(name: String, phrase: String) throws {
        #expect(try #require(collection.first(named: name)).phrase.text == phrase)
    }

    /// No "a elephant", no "an unicorn", no doubled article or space, whatever the wording.
    @Test func captionsAreEnglish() throws {
        let set = EmojiSet(collection)
        for index in 0..<set.count {
            // The wordings differ by what stands around the phrase: all of them for some, the phrase for every one.
            let captions = try set.captions(at: index)
            #expect(try set.identity(at: index).key == set.emoji[index].name)
            for caption in index % 16 == 0 ? captions : Array(captions.prefix(2)) {
                #expect(!caption.contains("  ") && !caption.contains(":") && !caption.contains("’"), "\(caption)")
                let words = caption.split(separator: " ").map(String.init)
                for (article, word) in zip(words, words.dropFirst()) where article == "a" || article == "an" {
                    #expect(!["a", "an", "the"].contains(word), "\(caption)")
                    #expect(NounPhrase.indefiniteArticle(before: word) == article, "\(caption)")
                }
            }
        }
    }

    @Test func articlesFollowTheSound() {
        for word in ["elephant", "hour", "OK hand", "umbrella", "8 ball", "x-ray", "egg"] {
            #expect(NounPhrase.indefiniteArticle(before: word) == "an", "\(word)")
        }
        for word in ["house", "unicorn", "ewe", "one-piece", "euro", "1st place", "yo-yo", "UFO"] {
            #expect(NounPhrase.indefiniteArticle(before: word) == "a", "\(word)")
        }
    }

    @Test func annotationsAreRead() throws {
        let file = try AnnotationFile(path: fixtures + "/annotations.xml")
        #expect(file.entries.count == 3)
        #expect(file.entries["🍎"]?.name == "red apple")
        #expect(file.entries["🍎"]?.keywords == ["apple", "fruit", "red"])
        #expect(file.entries["<"]?.name == "less-than & smaller ☃")
    }
}
