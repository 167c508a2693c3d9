import ArgumentParser
import Foundation
import Moonlit

/// The program `moonlit`.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moonlit",
        abstract: "Turns text into pictures by reverse diffusion, and trains the models that do it.",
        discussion: """
            Example:
              moonlit generate "a house next to a lake in moonlight" -o lake.png

            Exit status: 0 done, 1 failed, 2 verification out of tolerance, 64 wrong usage, 130 interrupted.
            """,
        version: "0.1.0",
        subcommands: [
            Generate.self, Serve.self, Explain.self, Upscale.self, Reproduce.self, Noise.self, Train.self, Evaluate.self, DataCommand.self,
            Inspect.self, Convert.self, Export.self, Verify.self,
            IndexCommand.self, SearchCommand.self,
            Bench.self,
        ])

    static func main() async {
        let status = await Interruption.watching {
            do {
                var command = try parseAsRoot()
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
                return ExitStatus.done
            } catch {
                return report(error)
            }
        }
        // Without the destructors of libraries whose threads may still be at work.
        fflush(nil)
        _exit(status)
    }

    /// Says what went wrong, and what the program's status is for it.
    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let code as ExitCode: return code.rawValue
        case is CancellationError:
            Console.say("interrupted")
            return ExitStatus.interrupted
        case let interrupted as Interrupted:
            Console.say("interrupted: \(interrupted.description)")
            return ExitStatus.interrupted
        case let error as GenerationError where error.isWrongUsage:
            Console.say("Error: \(error)")
            return ExitStatus.wrongUsage
        default:
            // The parser's own: help and version are no mistakes.
            let code = exitCode(for: error)
            if code.isSuccess {
                do {
                    try Console.print(fullMessage(for: error))
                } catch {
                    Console.say("Error: \(error)")
                    return ExitStatus.failed
                }
            } else if code == .validationFailure {
                Console.say(fullMessage(for: error))
            } else {
                Console.say("Error: \(error)")
            }
            return code.rawValue
        }
    }
}

enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let outOfTolerance: Int32 = 2
    static let wrongUsage: Int32 = 64
    static let interrupted: Int32 = 130
}

/// Work that was ended by Ctrl-C, with what is left of it.
struct Interrupted: Error, CustomStringConvertible {
    let description: String
}

extension GenerationError {
    /// Whether what was typed is at fault, rather than a file or a machine.
    fileprivate var isWrongUsage: Bool {
        if case .invalid = self { true } else { false }
    }
}
