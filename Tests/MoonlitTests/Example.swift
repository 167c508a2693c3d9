import Moonlit

// The examples that the documentation shows; that they compile is their test, and `ExampleTests` holds the pages
// against them.

/// Sources/Moonlit/TextToImage.swift
func drawing() async throws {
    let model = try await TextToImage.load(.bundled)
    let picture = try await model.generate(.init(prompt: "a house next to a lake in moonlight", seed: 7))[0]
    try picture.write(to: "moonlit.png")
}

/// README.md
func streaming() async throws {
    let model = try await TextToImage.load(.bundled)
    for try await step in model.stream(.init(prompt: "a house next to a lake in moonlight", seed: 7)) {
        print("step \(step.index + 1) of \(step.count)")  // step.previews[0] is the picture as it is becoming
        for result in step.results { try result.write(to: "moonlit.png") }
    }
}
