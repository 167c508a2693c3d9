#include "CGlyphs.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <hb.h>
#include <stdio.h>
#include <stdlib.h>

struct GlyphFont {
    FT_Library library;
    FT_Face face;
    hb_font_t *shaper;
};

enum { largest_side = 1024 };

static int fail(char *message, size_t size, const char *what, FT_Error error) {
    if (message && size > 0) {
        if (error) snprintf(message, size, "%s (FreeType error %d)", what, (int)error);
        else snprintf(message, size, "%s", what);
    }
    return 1;
}

int glyph_font_open(const char *path, GlyphFont **font, char *message, size_t message_size) {
    *font = NULL;
    GlyphFont *opened = calloc(1, sizeof *opened);
    if (!opened) return fail(message, message_size, "out of memory", 0);

    FT_Error error = FT_Init_FreeType(&opened->library);
    if (!error) error = FT_New_Face(opened->library, path, 0, &opened->face);
    if (error) {
        glyph_font_close(opened);
        return fail(message, message_size, "no font FreeType can open", error);
    }
    if (!FT_HAS_COLOR(opened->face) || opened->face->num_fixed_sizes < 1) {
        glyph_font_close(opened);
        return fail(message, message_size, "no colour bitmaps (CBDT table) in this font", 0);
    }
    error = FT_Select_Size(opened->face, 0);
    if (error) {
        glyph_font_close(opened);
        return fail(message, message_size, "the font's bitmap size cannot be selected", error);
    }

    hb_blob_t *blob = hb_blob_create_from_file(path);
    hb_face_t *face = hb_face_create(blob, 0);
    opened->shaper = hb_font_create(face);
    unsigned int glyphs = hb_face_get_glyph_count(face);
    hb_face_destroy(face);
    hb_blob_destroy(blob);
    if (glyphs == 0) {
        glyph_font_close(opened);
        return fail(message, message_size, "HarfBuzz finds no glyphs in this font", 0);
    }
    *font = opened;
    return 0;
}

void glyph_font_close(GlyphFont *font) {
    if (!font) return;
    if (font->shaper) hb_font_destroy(font->shaper);
    if (font->face) FT_Done_Face(font->face);
    if (font->library) FT_Done_FreeType(font->library);
    free(font);
}

uint32_t glyph_font_shape(GlyphFont *font, const uint32_t *codepoints, size_t count) {
    if (count == 0 || count > 64) return 0;
    hb_buffer_t *buffer = hb_buffer_create();
    hb_buffer_add_codepoints(buffer, codepoints, (int)count, 0, (int)count);
    hb_buffer_guess_segment_properties(buffer);
    // Without this, a variation selector left over would stand in the result as an empty glyph.
    hb_buffer_set_flags(buffer, HB_BUFFER_FLAG_REMOVE_DEFAULT_IGNORABLES);
    hb_shape(font->shaper, buffer, NULL, 0);
    unsigned int length = 0;
    const hb_glyph_info_t *glyphs = hb_buffer_get_glyph_infos(buffer, &length);
    uint32_t glyph = length == 1 && glyphs ? glyphs[0].codepoint : 0;
    hb_buffer_destroy(buffer);
    return glyph;
}

int glyph_font_picture(
    GlyphFont *font, uint32_t glyph, uint8_t **pixels, uint32_t *width, uint32_t *height, char *message,
    size_t message_size) {
    *pixels = NULL;
    FT_Error error = FT_Load_Glyph(font->face, glyph, FT_LOAD_COLOR);
    if (error) return fail(message, message_size, "the glyph cannot be read", error);
    const FT_Bitmap *bitmap = &font->face->glyph->bitmap;
    if (font->face->glyph->format != FT_GLYPH_FORMAT_BITMAP || bitmap->pixel_mode != FT_PIXEL_MODE_BGRA)
        return fail(message, message_size, "the glyph is no colour bitmap", 0);
    if (bitmap->width == 0 || bitmap->rows == 0 || bitmap->width > largest_side || bitmap->rows > largest_side)
        return fail(message, message_size, "the glyph's bitmap is empty or unreasonably large", 0);

    size_t w = bitmap->width, h = bitmap->rows;
    uint8_t *out = malloc(w * h * 4);
    if (!out) return fail(message, message_size, "out of memory", 0);
    for (size_t y = 0; y < h; y++) {
        // `buffer` is the first byte in memory; a negative pitch means that this is the bottom row.
        size_t row = bitmap->pitch >= 0 ? y : h - 1 - y;
        const uint8_t *in = bitmap->buffer + row * (size_t)abs(bitmap->pitch);
        uint8_t *to = out + y * w * 4;
        for (size_t x = 0; x < w; x++, in += 4, to += 4) {
            unsigned alpha = in[3];
            for (int c = 0; c < 3; c++) {
                unsigned value = alpha ? (in[2 - c] * 255u + alpha / 2) / alpha : 0;
                to[c] = value > 255 ? 255 : (uint8_t)value;
            }
            to[3] = (uint8_t)alpha;
        }
    }
    *pixels = out;
    *width = (uint32_t)w;
    *height = (uint32_t)h;
    return 0;
}

void glyph_pixels_free(uint8_t *pixels) { free(pixels); }
