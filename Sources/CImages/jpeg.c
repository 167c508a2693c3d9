#include "common.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/// A picture of more scans than this is made to waste time: encoders write about ten.
enum { maximum_scans = 200 };

typedef struct {
    struct jpeg_error_mgr base;
    moonlit_image_message *message;
    jmp_buf escape;
} errors;

static void on_error(j_common_ptr codec) {
    errors *handler = (errors *)codec->err;
    char text[JMSG_LENGTH_MAX];
    codec->err->format_message(codec, text);
    moonlit_fail(handler->message, "%s", text);
    longjmp(handler->escape, 1);
}

/// libjpeg paints lost data grey and warns: such a picture is refused. Stray bytes between segments are not.
static void on_message(j_common_ptr codec, int level) {
    if (level >= 0) return;
    switch (codec->err->msg_code) {
    case JWRN_JPEG_EOF:
        moonlit_fail(((errors *)codec->err)->message, "the file ends too early");
        longjmp(((errors *)codec->err)->escape, 1);
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
        on_error(codec);
        break;
    default:
        break;
    }
}

static void on_progress(j_common_ptr codec) {
    if (codec->is_decompressor && ((j_decompress_ptr)codec)->input_scan_number > maximum_scans) {
        moonlit_fail(((errors *)codec->err)->message, "it has more than %d scans", maximum_scans);
        longjmp(((errors *)codec->err)->escape, 1);
    }
}

static void install(j_common_ptr codec, errors *handler, moonlit_image_message *message) {
    codec->err = jpeg_std_error(&handler->base);
    handler->base.error_exit = on_error;
    handler->base.emit_message = on_message;
    handler->message = message;
}

static void read_header(
    struct jpeg_decompress_struct *codec, const uint8_t *bytes, size_t count, moonlit_image_size *size,
    errors *handler) {
    jpeg_mem_src(codec, (unsigned char *)(uintptr_t)bytes, (unsigned long)count);
    jpeg_read_header(codec, TRUE);
    // A block of 64 samples takes at least one bit, and no sampling makes one block cover more than 128 pixels.
    if ((uint64_t)codec->image_width * codec->image_height / 1024 > count) {
        moonlit_fail(
            handler->message, "it claims %u×%u pixels, which its %zu bytes cannot hold", codec->image_width,
            codec->image_height, count);
        longjmp(handler->escape, 1);
    }
    if (codec->arith_code) {
        moonlit_fail(handler->message, "it is arithmetic-coded, which is not supported: save it anew");
        longjmp(handler->escape, 1);
    }
    *size = (moonlit_image_size){.width = codec->image_width, .height = codec->image_height, .channels = 3};
}

bool moonlit_jpeg_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message) {
    struct jpeg_decompress_struct codec;
    memset(&codec, 0, sizeof codec);
    errors handler;
    install((j_common_ptr)&codec, &handler, message);
    if (setjmp(handler.escape) != 0) {
        jpeg_destroy_decompress(&codec);
        return false;
    }
    jpeg_create_decompress(&codec);
    read_header(&codec, bytes, count, size, &handler);
    jpeg_destroy_decompress(&codec);
    return true;
}

/// Inks as Adobe stores them, 255 for none, without a profile: each colour dimmed by black, as Pillow does.
static void inks_to_rgb(const uint8_t *inks, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++) {
        unsigned light = inks[x * 4 + 3];
        for (size_t c = 0; c < 3; c++) {
            unsigned product = (255u - inks[x * 4 + c]) * light + 128;
            rgb[x * 3 + c] = (uint8_t)(light - (((product >> 8) + product) >> 8));
        }
    }
}

bool moonlit_jpeg_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message) {
    struct jpeg_decompress_struct codec;
    memset(&codec, 0, sizeof codec);
    struct jpeg_progress_mgr progress;
    memset(&progress, 0, sizeof progress);
    progress.progress_monitor = on_progress;
    errors handler;
    install((j_common_ptr)&codec, &handler, message);
    if (setjmp(handler.escape) != 0) {
        jpeg_destroy_decompress(&codec);
        return false;
    }
    jpeg_create_decompress(&codec);
    codec.progress = &progress;
    moonlit_image_size found;
    read_header(&codec, bytes, count, &found, &handler);
    bool inks = codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
    codec.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&codec);
    if (codec.output_width != size.width || codec.output_height != size.height ||
        codec.output_components != (inks ? 4 : 3)) {
        moonlit_fail(message, "its rows are not as long as its header says");
        longjmp(handler.escape, 1);
    }
    JSAMPARRAY row = NULL;
    if (inks) row = codec.mem->alloc_sarray((j_common_ptr)&codec, JPOOL_IMAGE, size.width * 4, 1);
    size_t stride = (size_t)size.width * 3;
    while (codec.output_scanline < codec.output_height) {
        uint8_t *target = pixels + codec.output_scanline * stride;
        JSAMPROW rows[1] = {inks ? row[0] : target};
        jpeg_read_scanlines(&codec, rows, 1);
        if (inks) inks_to_rgb(row[0], target, size.width);
    }
    jpeg_destroy_decompress(&codec);
    return true;
}

bool moonlit_jpeg_encode(
    const uint8_t *pixels, moonlit_image_size size, int quality, bool subsample, moonlit_image_buffer *result,
    moonlit_image_message *message) {
    struct jpeg_compress_struct codec;
    memset(&codec, 0, sizeof codec);
    errors handler;
    // Written by the library between setjmp and longjmp, hence not held in registers.
    unsigned char *volatile *output = calloc(1, sizeof *output);
    if (output == NULL) return moonlit_fail(message, "out of memory");
    unsigned long length = 0;
    install((j_common_ptr)&codec, &handler, message);
    if (setjmp(handler.escape) != 0) {
        jpeg_destroy_compress(&codec);
        free(*output);
        free((void *)output);
        return false;
    }
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, (unsigned char **)output, &length);
    codec.image_width = size.width;
    codec.image_height = size.height;
    codec.input_components = 3;
    codec.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, quality, TRUE);
    codec.optimize_coding = TRUE;
    codec.comp_info[0].h_samp_factor = codec.comp_info[0].v_samp_factor = subsample ? 2 : 1;
    jpeg_start_compress(&codec, TRUE);
    while (codec.next_scanline < codec.image_height) {
        JSAMPROW rows[1] = {(JSAMPROW)(uintptr_t)(pixels + (size_t)codec.next_scanline * size.width * 3)};
        jpeg_write_scanlines(&codec, rows, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    result->bytes = *output;
    result->count = length;
    free((void *)output);
    return true;
}
