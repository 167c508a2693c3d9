public import ArgumentParser
import Checkpoints
import Foundation
import Moonlit
import Tensors
public import Training

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a model on captioned pictures.",
        discussion: """
            Examples:
              moonlit train --data emoji --config emoji-64 -o runs/emoji
              moonlit train -o runs/emoji --resume

            The run's folder holds config.yaml, log.jsonl, TensorBoard events, samples, checkpoints and, after each of \
            these, model.safetensors, which moonlit generate reads; an autoencoder is the folder model instead. Ctrl-C writes a checkpoint, once a step is done, and ends; --resume goes \
            on from it as if nothing had happened.
            """)

    @Option(help: "A built-in set's name (see moonlit data), a folder or tar shards; the configuration's unless given.")
    var data: String?

    @Option(
        help: """
            A YAML file, or a preset: \(TrainingConfiguration.presets.keys.sorted().joined(separator: ", ")). emoji-64 \
            unless given; with --resume, the run's own.
            """)
    var config: String?

    @Option(name: [.short, .long], help: "The run's folder.")
    var output: String

    @Option(help: "Steps of the whole run, instead of the configuration's.")
    var steps: Int?

    @Option(help: "Pictures a step, instead of the configuration's.")
    var batchSize: Int?

    @Option(help: "Decides the first weights, the order of the pictures and the noise, instead of the configuration's.")
    var seed: UInt64?

    @Option(help: "Where to compute: auto, cpu, cuda, cuda:N or mps.")
    var device = DeviceChoice.auto

    @Option(
        help: """
            auto, float32 or bfloat16 (weights stay float32), instead of the configuration's. auto is bfloat16 where \
            that is faster.
            """)
    var dtype: TrainingConfiguration.Precision?

    @Option(help: "Threads on the CPU; as many as there are cores unless given.")
    var workers: Int?

    @Option(help: "Begin with this model's weights instead of drawn ones: an embedded model's name, or a file that moonlit train wrote.")
    var initFrom: String?

    @Flag(help: "Go on with the run in the folder.")
    var resume = false

    @Flag(help: "Print one JSON object at the end.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    struct Result: Encodable {
        let run: String
        let step: Int
        let steps: Int
        let finished: Bool
        let parameters: Int
        let examples: Int
        /// Of the last line of the log.
        let loss: Double?
        let model: String
        let seconds: Double
    }

    private func settings() throws -> TrainingConfiguration {
        let own = output + "/config.yaml"
        let goesOn = resume && config == nil
        guard !goesOn || FileManager.default.fileExists(atPath: own) else {
            throw TrainingError.folder(output, problem: "there is no run to resume")
        }
        var settings = try TrainingConfiguration(presetOrFile: goesOn ? own : config ?? "emoji-64")
        if let data { settings.data.sets = [.init(set: data)] }
        if let steps { settings.steps = steps }
        if let batchSize { settings.batchSize = batchSize }
        if let seed { settings.seed = seed }
        if let dtype { settings.dtype = dtype }
        if let workers { settings.workers = workers }
        return settings
    }

    func run() throws {
        let device = try device.device()
        let run = try TrainingRun(
            configuration: settings(), folder: output, resume: resume, initialModel: initFrom.map { try ModelSource($0).path() },
            device: device)
        let total = run.configuration.steps
        Console.noteEmulation(of: run.configuration.dtype.on(device), on: device)
        if !quiet {
            Console.say(
                "\(grouped(run.parameterCount)) parameters, "
                    + (run.vocabularyCount > 0 ? "\(grouped(run.vocabularyCount)) tokens, " : "")
                    + "\(grouped(run.examples)) examples, seed \(run.configuration.seed), \(device)"
                    + (run.step > 0 ? ", going on from step \(grouped(run.step))" : ""))
        }
        let first = run.step
        var progress = Progress("training", total: total - first, unit: "step", isQuiet: quiet)
        var loss: Double?
        let outcome = try run.run { message in
            switch message {
            case .progress(let now): progress.update(now.step - first, note: "loss \(now.loss.rounded(to: 4))")
            case .logged(let entry): loss = entry.loss
            case .note(let text):
                progress.finish()
                Console.say(text)
            case .samples(_, let path) where !quiet:
                progress.finish()
                Console.say(path)
            case .samples, .checkpoint: break
            }
        }
        progress.finish()
        let finished = if case .finished = outcome { true } else { false }
        let model = run.modelPath
        if json {
            try Console.print(
                json: Result(
                    run: output, step: run.step, steps: total, finished: finished, parameters: run.parameterCount,
                    examples: run.examples, loss: loss, model: model, seconds: progress.elapsed.rounded(to: 3)))
        } else if FileManager.default.fileExists(atPath: model) {
            try Console.print(model)
        }
        if !finished {
            let kept = run.step > 0 ? "a checkpoint of step \(run.step) of \(total) is kept" : "no step is done yet"
            throw Interrupted(description: "\(kept); go on with moonlit train -o \(output) --resume")
        }
    }
}

extension TrainingConfiguration.Precision: ExpressibleByArgument {}
