// A small C face over libpng, libjpeg and libwebp: they report errors by longjmp, which Swift cannot cross.
//
// Every function is stateless and safe on any bytes. A `probe` reads a header alone and allocates nothing that
// grows with the sizes the header claims; the caller then decides, allocates and calls `decode` with the same size.
// To an `encode` it gives no side longer than the format holds.
#ifndef MOONLIT_IMAGES_H
#define MOONLIT_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What `decode` will write: rows from the top, `width * channels` bytes each, RGB or RGBA (not premultiplied).
typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t channels;
} moonlit_image_size;

/// Why a call failed; empty where it did not.
typedef struct {
    char text[256];
} moonlit_image_message;

/// Bytes owned by the caller, freed with `moonlit_image_free`.
typedef struct {
    uint8_t *bytes;
    size_t count;
} moonlit_image_buffer;

bool moonlit_png_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message);
bool moonlit_png_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message);
/// `chunks` holds ancillary chunks, written before the pixels: each four bytes of type, four of length (big endian),
/// and the payload. `level` is zlib's, 0 to 9.
bool moonlit_png_encode(
    const uint8_t *pixels, moonlit_image_size size, int level, const uint8_t *chunks, size_t chunks_count,
    moonlit_image_buffer *result, moonlit_image_message *message);

bool moonlit_jpeg_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message);
bool moonlit_jpeg_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message);
/// RGB only; `quality` 1 to 100; `subsample` halves the colour planes both ways.
bool moonlit_jpeg_encode(
    const uint8_t *pixels, moonlit_image_size size, int quality, bool subsample, moonlit_image_buffer *result,
    moonlit_image_message *message);

/// Of an animation, the first frame on its canvas.
bool moonlit_webp_probe(const uint8_t *bytes, size_t count, moonlit_image_size *size, moonlit_image_message *message);
bool moonlit_webp_decode(
    const uint8_t *bytes, size_t count, moonlit_image_size size, uint8_t *pixels, moonlit_image_message *message);
/// `quality` 0 to 100; lossless where `lossless`, and then colours under full transparency are kept too.
bool moonlit_webp_encode(
    const uint8_t *pixels, moonlit_image_size size, float quality, bool lossless, moonlit_image_buffer *result,
    moonlit_image_message *message);

/// Inflates a zlib stream (a compressed text chunk) of at most `limit` bytes.
bool moonlit_image_inflate(
    const uint8_t *bytes, size_t count, size_t limit, moonlit_image_buffer *result, moonlit_image_message *message);

void moonlit_image_free(moonlit_image_buffer buffer);

#endif
