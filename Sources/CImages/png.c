#include "common.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    moonlit_image_message *message;
    const uint8_t *bytes;
    size_t count;
    size_t position;
} source;

typedef struct {
    moonlit_image_message *message;
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} sink;

static void on_error(png_structp png, png_const_charp text) {
    moonlit_fail(png_get_error_ptr(png), "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep output, size_t count) {
    source *input = png_get_io_ptr(png);
    if (count > input->count - input->position) png_error(png, "the file ends too early");
    memcpy(output, input->bytes + input->position, count);
    input->position += count;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    sink *output = png_get_io_ptr(png);
    if (count > output->capacity - output->count) {
        size_t larger = output->capacity * 2 + count + 4096;
        uint8_t *grown = realloc(output->bytes, larger);
        if (grown == NULL) png_error(png, "out of memory");
        output->bytes = grown;
        output->capacity = larger;
    }
    memcpy(output->bytes + output->count, bytes, count);
    output->count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

/// Reads up to the first pixels. Chunks that do not bear on them are skipped unread.
static void read_header(png_structp png, png_infop info, source *input, moonlit_image_size *size) {
    static const png_byte needless[] = "iCCP\0zTXt\0tEXt\0iTXt\0eXIf\0sPLT\0hIST\0gAMA\0cHRM\0sRGB\0pHYs\0tIME\0bKGD\0sBIT";
    png_set_read_fn(png, input, read_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, needless, (int)(sizeof needless / 5));
    png_read_info(png, info);

    png_uint_32 width, height;
    int depth, colour;
    png_get_IHDR(png, info, &width, &height, &depth, &colour, NULL, NULL, NULL);
    // Deflate's best is 258 bytes from two bits, 1032 to one; more pixels than that are not in the file.
    uint64_t bits = (uint64_t)depth * png_get_channels(png, info);
    if ((uint64_t)width * height / 8 * bits / 1032 > input->count) {
        moonlit_fail(
            input->message, "it claims %u×%u pixels, which its %zu bytes cannot hold", width, height, input->count);
        png_longjmp(png, 1);
    }
    bool alpha = (colour & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    *size = (moonlit_image_size){.width = width, .height = height, .channels = alpha ? 4 : 3};
}

bool moonlit_png_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (png == NULL) return moonlit_fail(message, "libpng did not start");
    png_infop info = png_create_info_struct(png);
    source input = {.message = message, .bytes = bytes, .count = count};
    if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    read_header(png, info, &input, size);
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

bool moonlit_png_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (png == NULL) return moonlit_fail(message, "libpng did not start");
    png_infop info = png_create_info_struct(png);
    source input = {.message = message, .bytes = bytes, .count = count};
    if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    moonlit_image_size found;
    read_header(png, info, &input, &found);
    png_set_scale_16(png);
    png_set_expand(png);  // palettes, small depths and transparent colours
    png_set_gray_to_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = (size_t)size.width * size.channels;
    if (found.width != size.width || found.height != size.height || png_get_rowbytes(png, info) != stride)
        png_error(png, "its rows are not as long as its header says");
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < size.height; y++) png_read_row(png, pixels + y * stride, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

bool moonlit_png_encode(
    const uint8_t *pixels, moonlit_image_size size, int level, const uint8_t *chunks, size_t chunks_count,
    moonlit_image_buffer *result, moonlit_image_message *message) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (png == NULL) return moonlit_fail(message, "libpng did not start");
    png_infop info = png_create_info_struct(png);
    sink output = {.message = message};
    if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_write_struct(&png, &info);
        free(output.bytes);
        return false;
    }
    png_set_write_fn(png, &output, write_bytes, flush_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_compression_level(png, level);
    png_set_IHDR(
        png, info, size.width, size.height, 8, size.channels == 4 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB,
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (size_t at = 0; at + 8 <= chunks_count;) {
        size_t length = png_get_uint_32(chunks + at + 4);
        if (length > chunks_count - at - 8) png_error(png, "a text chunk of the wrong length");
        png_write_chunk(png, chunks + at, chunks + at + 8, length);
        at += 8 + length;
    }
    size_t stride = (size_t)size.width * size.channels;
    for (size_t y = 0; y < size.height; y++) png_write_row(png, pixels + y * stride);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    result->bytes = output.bytes;
    result->count = output.count;
    return true;
}
