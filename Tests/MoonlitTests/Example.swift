import Moonlit

/// The library's example, as the README and `TextToImage` show it; here it has to compile.
func example() async throws {
    let model = try await TextToImage.load(.bundled)
    let picture = try await model.generate(.init(prompt: "a house next to a lake in moonlight", seed: 7))[0]
    try picture.write(to: "moonlit.png")
}
