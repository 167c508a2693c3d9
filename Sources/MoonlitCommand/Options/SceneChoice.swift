public import ArgumentParser
import Checkpoints
public import Evaluation
import Foundation
import Scenes

extension PromptSet.Kind: ExpressibleByArgument {}

extension SceneConfiguration {
    static let namesHelp =
        "What the scenes are composed of: scenes, scenes-simple, scenes-eight, scenes-steady, or a JSON file."

    /// What the built-in sets compose, or a JSON file's.
    /// - Throws: `EvaluationError.file`.
    init(named name: String) throws {
        switch name {
        case "scenes": self = SceneConfiguration()
        case "scenes-simple":
            self = .simple
            split = .all
        case "scenes-eight": self = .eight
        case "scenes-steady": self = .steady
        default:
            guard let data = FileManager.default.contents(atPath: name) else {
                throw EvaluationError.file(
                    name, problem: "is no set of scenes and no file",
                    expected: "scenes, scenes-simple, scenes-eight, scenes-steady, or a JSON file of a scene configuration")
            }
            do {
                self = try JSONDecoder().decode(SceneConfiguration.self, from: data)
            } catch let error as DecodingError {
                throw EvaluationError.file(name, problem: error.summary, expected: "a scene configuration as JSON")
            }
        }
    }
}
