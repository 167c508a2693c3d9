#include "common.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

static const char *reason(VP8StatusCode status) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_BITSTREAM_ERROR: return "its data are damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "it uses a feature libwebp does not have";
    case VP8_STATUS_NOT_ENOUGH_DATA: return "the file ends too early";
    default: return "its data are damaged";
    }
}

/// A key frame of VP8 spends more than three bits on the modes of each macroblock of 256 pixels.
/// (Lossless data have no such bound: a picture of one colour takes no bits a pixel.)
static bool plausible(const WebPBitstreamFeatures *features, size_t count) {
    return features->format != 1 || (uint64_t)features->width * (uint64_t)features->height / 1024 <= count;
}

bool moonlit_webp_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message) {
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK) return moonlit_fail(message, "%s", reason(status));
    uint64_t area = (uint64_t)features.width * (uint64_t)features.height;
    bool fits = plausible(&features, count);
    if (features.has_animation) {
        WebPData data = {.bytes = bytes, .size = count};
        WebPDemuxer *demuxer = WebPDemux(&data);
        if (demuxer == NULL) return moonlit_fail(message, "its animation is damaged");
        WebPIterator frame;
        if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
            WebPDemuxDelete(demuxer);
            return moonlit_fail(message, "its animation has no frame");
        }
        WebPBitstreamFeatures first;
        status = WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &first);
        // The canvas costs nothing to claim: it may be much larger than what is on it, but not boundlessly.
        fits = status == VP8_STATUS_OK && plausible(&first, count) &&
               area <= (uint64_t)first.width * (uint64_t)first.height * 16 + (1 << 22);
        WebPDemuxReleaseIterator(&frame);
        WebPDemuxDelete(demuxer);
        if (status != VP8_STATUS_OK) return moonlit_fail(message, "%s", reason(status));
    }
    if (!fits)
        return moonlit_fail(
            message, "it claims %d×%d pixels, which its %zu bytes cannot hold", features.width, features.height, count);
    *size = (moonlit_image_size){
        .width = (uint32_t)features.width,
        .height = (uint32_t)features.height,
        .channels = features.has_alpha || features.has_animation ? 4 : 3};
    return true;
}

static bool decode_into(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t room, size_t stride, uint32_t channels,
    moonlit_image_message *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return moonlit_fail(message, "libwebp did not start");
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = room;
    VP8StatusCode status = WebPDecode(bytes, count, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK || moonlit_fail(message, "%s", reason(status));
}

bool moonlit_webp_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message) {
    size_t stride = (size_t)size.width * size.channels;
    size_t room = stride * size.height;
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
    if (status != VP8_STATUS_OK) return moonlit_fail(message, "%s", reason(status));
    if (!features.has_animation) return decode_into(bytes, count, pixels, room, stride, size.channels, message);

    WebPData data = {.bytes = bytes, .size = count};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (demuxer == NULL) return moonlit_fail(message, "its animation is damaged");
    bool decoded = false;
    WebPIterator frame;
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        moonlit_fail(message, "its animation has no frame");
    } else {
        size_t x = (size_t)frame.x_offset, y = (size_t)frame.y_offset;
        if (x + (size_t)frame.width > size.width || y + (size_t)frame.height > size.height) {
            moonlit_fail(message, "its first frame lies outside its canvas");
        } else {
            memset(pixels, 0, room);
            size_t offset = y * stride + x * size.channels;
            decoded = decode_into(
                frame.fragment.bytes, frame.fragment.size, pixels + offset, room - offset, stride, size.channels,
                message);
        }
        WebPDemuxReleaseIterator(&frame);
    }
    WebPDemuxDelete(demuxer);
    return decoded;
}

bool moonlit_webp_encode(
    const uint8_t *pixels, moonlit_image_size size, float quality, bool lossless, moonlit_image_buffer *result,
    moonlit_image_message *message) {
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) return moonlit_fail(message, "libwebp did not start");
    if (lossless && !WebPConfigLosslessPreset(&config, 6)) return moonlit_fail(message, "libwebp did not start");
    if (!lossless) config.quality = quality;
    config.exact = lossless;
    picture.use_argb = lossless;
    picture.width = (int)size.width;
    picture.height = (int)size.height;
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    int stride = (int)(size.width * size.channels);
    bool encoded = (size.channels == 4 ? WebPPictureImportRGBA(&picture, pixels, stride)
                                       : WebPPictureImportRGB(&picture, pixels, stride)) &&
                   WebPEncode(&config, &picture);
    int code = picture.error_code;
    WebPPictureFree(&picture);
    if (!encoded) {
        WebPMemoryWriterClear(&writer);
        return moonlit_fail(message, "libwebp's error %d", code);
    }
    result->bytes = writer.mem;
    result->count = writer.size;
    return true;
}
