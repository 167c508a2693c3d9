// swift-tools-version: 6.1
// Moonlit: text into pictures by reverse diffusion. `Documentation/Architecture.md` draws the house;
// a test holds the arrows below against it.
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func module(_ name: String, _ imports: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: imports, resources: resources, swiftSettings: swift)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: imports, swiftSettings: swift)
}

let package = Package(
    name: "moonlit",
    platforms: [.macOS(.v14)],
    products: [
        .library(name: "Moonlit", targets: ["Moonlit"]),
        .library(name: "MoonlitTraining", targets: ["Training"]),
        .library(name: "MoonlitServer", targets: ["Server"]),
        .executable(name: "moonlit", targets: ["MoonlitCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
    ],
    targets: [
        // libtorch, found by the `libtorch.pc` that `make setup` writes.
        .systemLibrary(name: "CLibtorch", pkgConfig: "libtorch"),
        .target(name: "CTorch", dependencies: ["CLibtorch"]),
        module("Tensors", ["CTorch"]),
        module("Layers", ["Tensors"]),
        module("Diffusion", ["Tensors"]),
        module("Tokenizers", resources: [.copy("Vocabularies")]),
        // libpng, libjpeg(-turbo) and libwebp. On Linux they are named once more, for machines without `pkg-config` and
        // for linking them statically.
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
        .target(
            name: "CImages", dependencies: ["CPNG", "CJPEG", "CWebP"],
            linkerSettings: ["png", "jpeg", "webpdemux", "webp", "z", "m"].map {
                .linkedLibrary($0, .when(platforms: [.linux]))
            } + [.linkedLibrary("z", .when(platforms: [.macOS]))]),
        module("Images", ["CImages"]),
        module("Models", ["Layers", "Tensors"]),
        module("Checkpoints", ["Models", "Diffusion", "Layers", "Tensors", "Tokenizers"]),
        // FreeType and HarfBuzz, for the pictures inside a colour font.
        .systemLibrary(
            name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"]), .brew(["freetype"])]),
        .systemLibrary(
            name: "CHarfBuzz", pkgConfig: "harfbuzz", providers: [.apt(["libharfbuzz-dev"]), .brew(["harfbuzz"])]),
        .target(name: "CGlyphs", dependencies: ["CFreeType", "CHarfBuzz"]),
        module("Datasets", ["CGlyphs", "Images"]),
        .systemLibrary(name: "CCanvas", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"]), .brew(["cairo"])]),
        module("Scenes", ["CCanvas", "Datasets", "Images"]),
        module(
            "Moonlit", ["Checkpoints", "Diffusion", "Images", "Models", "Tensors", "Tokenizers"],
            resources: [.copy("Embedded")]),
        module("Training", [
            "Models", "Diffusion", "Datasets", "Scenes", "Checkpoints", "Layers", "Tensors", "Tokenizers", "Images",
            "Yams",
        ]),
        .target(name: "CVectors"),
        module("Search", ["CVectors", "Models", "Datasets", "Images", "Tensors"]),
        module("Evaluation", ["Models", "Datasets", "Scenes", "Checkpoints", "Diffusion", "Tensors", "Images"]),
        module(
            "Server", [
                "Moonlit", "Checkpoints", "Diffusion", "Images", .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ], resources: [.embedInCode("page.html")]),
        .executableTarget(
            name: "MoonlitCommand",
            dependencies: [
                "Moonlit", "Server", "Training", "Evaluation", "Search", "Datasets", "Scenes", "Checkpoints", "Models", "Diffusion", "Layers",
                "Tensors", "Tokenizers", "Images",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift,
            // An allocator that wastes less time and memory on tensors than glibc's (Documentation/Performance.md). A
            // program that takes the libraries above chooses its own.
            linkerSettings: [.linkedLibrary("tcmalloc_minimal", .when(platforms: [.linux]))]),
        .target(name: "BenchOptions", path: "Benchmarks/BenchOptions", swiftSettings: swift),
        .executableTarget(
            name: "SceneBench", dependencies: ["BenchOptions", "Scenes", "Datasets", "Images"],
            path: "Benchmarks/SceneBench", swiftSettings: swift),
        .executableTarget(
            name: "SearchBench", dependencies: ["BenchOptions", "Search"], path: "Benchmarks/SearchBench",
            swiftSettings: swift),
        .executableTarget(
            name: "KernelBench", dependencies: ["BenchOptions", "Tensors"], path: "Benchmarks/KernelBench",
            swiftSettings: swift),
        tests("Tensors", ["Tensors"]),
        tests("Layers", ["Layers", "Tensors"]),
        tests("Diffusion", ["Diffusion", "Tensors"]),
        tests("Tokenizers", ["Tokenizers"]),
        tests("Images", ["Images"]),
        tests("Models", ["Models", "Layers", "Tensors"]),
        tests("Checkpoints", ["Checkpoints", "Diffusion", "Models", "Layers", "Tensors", "Tokenizers"]),
        tests("Datasets", ["Datasets", "Images", "Tensors", "Tokenizers"]),
        tests("Scenes", ["Scenes", "Datasets", "Images"]),
        tests("Moonlit", ["Moonlit", "Checkpoints", "Diffusion", "Images", "Models", "Layers", "Tensors", "Tokenizers"]),
        tests("Server", [
            "Server", "Moonlit", "Checkpoints", "Diffusion", "Images", .product(name: "FlyingFox", package: "FlyingFox"),
        ]),
        tests("Training", [
            "Training", "Models", "Diffusion", "Datasets", "Checkpoints", "Layers", "Tensors", "Tokenizers", "Images",
        ]),
        tests("Search", ["Search", "Models", "Datasets", "Images", "Tensors"]),
        tests("Evaluation", [
            "Evaluation", "Checkpoints", "Diffusion", "Layers", "Models", "Datasets", "Scenes", "Tensors", "Images", "Tokenizers",
        ]),
        tests("MoonlitCommand", [
            "MoonlitCommand", "Checkpoints", "Datasets", "Diffusion", "Images", "Layers", "Models", "Tensors", "Tokenizers",
        ]),
        tests("Architecture", []),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
