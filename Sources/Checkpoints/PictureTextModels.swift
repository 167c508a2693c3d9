internal import Foundation
public import Models
public import Tensors

/// Models of pictures and texts on the disk, whatever their layout.
public enum PictureTextModels {
    /// Loads a model and recognises it by its content.
    ///
    /// - Parameter path: Moonlit's own file; a folder with OpenAI's `clip_image_enc.pt` and `clip_text_enc.pt`; or one of
    ///   these two files, beside the other.
    /// - Throws: `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func load(
        _ path: String, dtype: DType = .float32, device: Device = .cpu
    ) throws -> any PictureTextModel {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            return try towers(in: path, dtype: dtype, device: device)
        }
        let archive = try TensorArchive.open(path)
        if CLIPFile.recognises(archive) {
            let file = try CLIPFile(path, archive: archive)
            return try CLIPModel(
                file.load(dtype: dtype, device: device), configuration: file.configuration, device: device)
        }
        guard try NoisedCLIPFile(archive.stateDict) != nil else {
            throw CheckpointError(
                path, "is no model of pictures and texts",
                expected: "one that moonlit train wrote, or GLIDE's \(NoisedCLIPModel.imageFile) beside "
                    + NoisedCLIPModel.textFile)
        }
        return try towers(
            in: URL(fileURLWithPath: path).deletingLastPathComponent().path, dtype: dtype, device: device)
    }

    private static func towers(in folder: String, dtype: DType, device: Device) throws -> NoisedCLIPModel {
        let (image, text) = (folder + "/" + NoisedCLIPModel.imageFile, folder + "/" + NoisedCLIPModel.textFile)
        for path in [image, text] where !FileManager.default.fileExists(atPath: path) {
            throw CheckpointError(
                folder, "holds no \(URL(fileURLWithPath: path).lastPathComponent)",
                expected: "both towers of GLIDE's noised CLIP")
        }
        return try NoisedCLIPModel.load(image: image, text: text, dtype: dtype, device: device)
    }
}
