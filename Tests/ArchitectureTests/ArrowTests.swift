import Foundation
import Testing

/// `Documentation/Architecture.md`, `Package.swift` and the sources draw the same house.
struct ArrowTests {
    let repository = Repository()
    let manifest: Manifest
    let table: ArchitectureTable

    init() throws {
        manifest = try Manifest(repository.text("Package.swift"))
        table = try ArchitectureTable(repository.text("Documentation/Architecture.md"))
    }

    /// Targets of `Sources`, system libraries aside.
    var built: [Manifest.Target] {
        get throws {
            let folders = Set(try repository.modules())
            return manifest.targets.filter { folders.contains($0.name) && !$0.isSystemLibrary }
        }
    }

    @Test func everyModuleIsInTheTableAndInThePackage() throws {
        let folders = Set(try repository.modules())
        #expect(folders.count >= 20)
        #expect(folders.isSubset(of: manifest.targets.map(\.name)))
        #expect(Set(table.rows.filter(\.isThere).map(\.module)) == Set(try built.map(\.name)))
        #expect(table.libraries == Set(manifest.targets.filter(\.isSystemLibrary).map(\.name)))
        for row in table.rows where !row.isThere { #expect(!folders.contains(row.module), "\(row.module) is there") }
    }

    @Test func arrowsAreThePackagesDependencies() throws {
        for target in try built {
            let arrows = try #require(table[target.name]?.arrows)
            if target.name == "MoonlitCommand" {
                #expect(target.dependencies.isSubset(of: arrows), "\(target.dependencies.subtracting(arrows))")
            } else {
                #expect(arrows == target.dependencies, "\(target.name): table \(arrows), package \(target.dependencies)")
            }
        }
    }

    @Test func importsAreTheArrows() throws {
        let system: Set = ["Foundation", "Glibc", "Musl", "Darwin", "Dispatch", "Synchronization"]
        for target in try built where !target.name.isBehindSwift {
            let imports = try repository.imports(of: target.name).subtracting(system)
            #expect(imports.isSubset(of: target.dependencies), "\(target.name): \(imports.subtracting(target.dependencies))")
            guard target.name != "MoonlitCommand" else { continue }
            #expect(imports == target.dependencies, "\(target.name) does not import \(target.dependencies.subtracting(imports))")
        }
    }

    /// In the table as a whole, modules that are not there yet included: each stands below those that import it.
    @Test func noCycles() throws {
        var settled = table.libraries.union(["ArgumentParser", "Yams", "FlyingFox", "FlyingSocks"])
        var waiting = table.rows
        while let index = waiting.firstIndex(where: { $0.arrows.isSubset(of: settled) }) {
            settled.insert(waiting.remove(at: index).module)
        }
        #expect(waiting.isEmpty, "a cycle, or an arrow to nowhere, among \(waiting.map(\.module))")
    }

    @Test func packagesOfOthersStayWhereTheyAreNeeded() throws {
        let homes = ["ArgumentParser": "MoonlitCommand", "Yams": "Training", "FlyingFox": "Server", "FlyingSocks": "Server"]
        for target in manifest.targets {
            for (package, home) in homes where target.name != home {
                #expect(!target.dependencies.contains(package), "\(target.name) depends on \(package)")
            }
        }
        for module in try repository.modules() {
            for (package, home) in homes where module != home {
                #expect(try !repository.imports(of: module).contains(package), "\(module) imports \(package)")
            }
        }
        #expect(try !repository.imports(of: "Training").contains("Moonlit"))
        for library in table.libraries {
            let users = manifest.targets.filter { $0.dependencies.contains(library) }.map(\.name)
            #expect(users.count == 1, "\(library) is imported by \(users)")
        }
    }

    @Test func libtorchIsIncludedInOneModule() throws {
        let include = /^\s*#\s*(?:include|import)\s*[<"](?:ATen|torch|c10|caffe2)\//.anchorsMatchLineEndings()
        var found: Set<String> = []
        for module in try repository.modules() {
            for path in try repository.files(under: "Sources/\(module)", ["h", "hpp", "c", "cpp", "cc", "mm", "modulemap"]) {
                if try repository.text(path).firstMatch(of: include) != nil { found.insert(module) }
            }
        }
        #expect(found == ["CTorch"])
        // The C ABI itself shows nothing of it.
        for path in try repository.files(under: "Sources/CTorch/include", ["h"]) {
            #expect(try repository.text(path).firstMatch(of: include) == nil, "\(path)")
        }
    }
}
