import Evaluation
import Images
import Scenes
import Testing

@Suite struct InpaintingEvaluationTests {
    private func tasks(_ count: Int = 12) throws -> [InpaintingTask] {
        try PromptSet(
            .heldOut, of: SceneConfiguration(), artwork: paperArtwork(), count: count, references: 2, captions: 2, seed: 1
        ).inpaintingTasks(size: World.side, seed: 4)
    }

    @Test func tasksNameAnotherSubjectAndEraseTheFirst() throws {
        let tasks = try tasks()
        #expect(tasks.count >= 10)
        let reader = CaptionReader()
        for task in tasks {
            #expect(task.named != task.subject && task.captions[0] == task.prompt)
            #expect(reader.read(task.prompt).subjects == [task.named])
            #expect(reader.read(task.captions[1]).subjects == [task.subject])
            #expect(Set(task.captions).count == task.captions.count && task.captions.count <= 50)
            // All is the same but the subject.
            let truth = reader.read(task.prompt)
            for caption in task.captions {
                let content = reader.read(caption)
                #expect(content.place == truth.place && content.light == truth.light && content.style == truth.style)
            }
            let white = task.mask.pixels.count { $0 == 255 }
            #expect(white > 0 && white < task.mask.pixels.count && task.mask.pixels.allSatisfy { $0 == 0 || $0 == 255 })
        }
        #expect(try self.tasks().map(\.prompt) == tasks.map(\.prompt))
    }

    @Test func theRealPictureHasTheOtherSubjectInTheHole() throws {
        for task in try tasks() {
            let (own, real, mask) = (task.picture.rgb.pixels, task.real.rgb.pixels, task.mask.rgb.pixels)
            func distance(_ hole: Bool) -> Double {
                let differences = own.indices.filter { (mask[$0] == 255) == hole }
                    .map { abs(Double(own[$0]) - Double(real[$0])) }
                return differences.reduce(0, +) / Double(differences.count)
            }
            #expect(own != real)
            #expect(distance(true) > 2 * distance(false), "\(task.prompt): \(distance(true)), \(distance(false))")
        }
    }

    @Test func whatIsPaintedIsJudged() throws {
        let world = World()
        let reader = CaptionReader()
        let tasks = try tasks()
        func report(_ paint: (InpaintingTask) throws -> Picture) throws -> InpaintingReport {
            var evaluation = InpaintingEvaluation(judge: Judge(KnowingJudge(world: world), name: "knowing"))
            for task in tasks { try evaluation.add(task, painted: paint(task)) }
            return evaluation.report(model: "model", data: "scenes", seed: 4)
        }
        /// The task's picture with one pixel in the hole changed, which shows what a caption says.
        func painted(_ task: InpaintingTask, showing caption: String) throws -> Picture {
            var picture = task.picture.rgb
            let place = try #require(task.mask.pixels.firstIndex(of: 255))
            picture.pixels[place] = picture.pixels[place] &+ 1
            world.register(picture, reader.read(caption))
            return picture
        }
        let right = try report { try painted($0, showing: $0.prompt) }
        // This judge knows no real picture unless it is told what it shows.
        #expect(right.real.value < 0.2)
        for task in tasks { world.register(task.real, reader.read(task.prompt)) }
        let known = try report { $0.picture }
        #expect(known.real.value == 1 && known.markdown.contains("| 100.0 %"))
        #expect(right.found.value == 1 && right.replaced.value == 1 && right.changedOutside == 0)
        let same = try report { try painted($0, showing: $0.captions[1]) }
        #expect(same.found.value == 0 && same.replaced.value == 0)
        // Another picture altogether shows it, too, and leaves nothing as it was.
        let other = try report { try world.picture(of: reader.read($0.prompt)) }
        #expect(other.found.value == 1 && other.changedOutside > 1000)
        #expect(right.markdown.contains("| 100.0 %"))
        let small = try Picture(width: 8, height: 8, filled: .white)
        #expect(throws: EvaluationError.self) { try report { _ in small } }
    }
}
