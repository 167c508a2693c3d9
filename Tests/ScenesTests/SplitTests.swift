import Scenes
import Testing

@Suite struct SplitTests {
    @Test func aFifthOfEachKindIsHeldOut() {
        let names = Subject.all.map(\.name)
        let places = names.flatMap { name in Place.allCases.map { SceneSplit.isHeldOut(subject: name, place: $0) } }
        let styles = names.flatMap { name in
            Style.allCases.filter { $0 != .plain }.map { SceneSplit.isHeldOut(subject: name, style: $0) }
        }
        let pairs = names.flatMap { a in names.map { SceneSplit.isHeldOut(subject: a, relation: .leftOf, object: $0) } }
        for answers in [places, styles, pairs] {
            let share = Double(answers.count { $0 }) / Double(answers.count)
            #expect(abs(share - 0.2) < 0.03, "\(share) of \(answers.count)")
        }
        #expect(!names.contains { SceneSplit.isHeldOut(subject: $0, style: .plain) })
    }

    @Test func nextToIsHeldOutBothWays() {
        let names = Subject.all.map(\.name)
        for a in names {
            for b in names {
                #expect(
                    SceneSplit.isHeldOut(subject: a, relation: .nextTo, object: b)
                        == SceneSplit.isHeldOut(subject: b, relation: .nextTo, object: a))
            }
        }
    }

    /// Written apart from the composer: every combination of a training scene is looked up one by one. Also where scenes in
    /// a row are given one place and style, whoever stands there.
    @Test(arguments: [1, 8]) func trainingNeverShowsAHeldOutCombination(alike: Int) throws {
        let scenes = try scenes {
            $0.alike = alike
            $0.split = .train
            $0.styleProbability = 0.5
            $0.subjectCounts = [1, 1, 1]
        }
        for index in 0..<10_000 {
            let scene = try scenes.description(at: index)
            for entity in scene.entities {
                #expect(!SceneSplit.isHeldOut(subject: entity.subject, place: scene.place), "index \(index)")
                #expect(!SceneSplit.isHeldOut(subject: entity.subject, style: scene.style), "index \(index)")
            }
            for relation in scene.relations {
                #expect(
                    !SceneSplit.isHeldOut(
                        subject: scene.entities[relation.subject].subject, relation: relation.kind,
                        object: scene.entities[relation.object].subject), "index \(index)")
            }
        }
    }

    @Test(arguments: [1, 8]) func heldOutScenesAlwaysShowOne(alike: Int) throws {
        let scenes = try scenes {
            $0.alike = alike
            $0.split = .heldOut
        }
        for index in 0..<4000 { #expect(SceneSplit.isHeldOut(try scenes.description(at: index)), "index \(index)") }
    }

    /// No subject is lost to training, and the prompts that the project shows are held out.
    @Test func everySubjectIsTrainedSomewhere() throws {
        for subject in Subject.all {
            let places = Place.allCases.filter {
                (subject.habitat != .water || $0 == .lake || $0 == .beach)
                    && !SceneSplit.isHeldOut(subject: subject.name, place: $0)
            }
            #expect(!places.isEmpty, "\(subject.name)")
        }
        #expect(SceneSplit.isHeldOut(subject: "house", place: .lake))
        #expect(SceneSplit.isHeldOut(subject: "cottage", place: .lake))
        #expect(SceneSplit.isHeldOut(subject: "fox", style: .starryNight))
    }
}
