// swift-tools-version: 6.1
// A package as yours may be: it depends on Moonlit, and needs nothing but the environment that
// `Scripts/env` prints. `Scripts/test-dependency` builds and runs it.
import PackageDescription

let package = Package(
    name: "picture",
    platforms: [.macOS(.v14)],
    dependencies: [
        .package(name: "moonlit", path: "../.."),
    ],
    targets: [
        .executableTarget(name: "picture", dependencies: [.product(name: "Moonlit", package: "moonlit")], path: "Sources/Picture"),
    ],
    swiftLanguageModes: [.v6]
)
