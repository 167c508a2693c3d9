extension Style {
    func apply(to raster: inout Raster, scene: SceneDescription, mask: [Float]?, _ random: inout SceneRandom) throws {
    }
}
