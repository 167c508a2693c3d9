// The pictures inside a colour bitmap font (CBDT), by FreeType and HarfBuzz.
//
// A font is used by one thread at a time; different fonts may be used at once. Nothing here is global.
// Functions that can fail return 0 on success and otherwise write a sentence, always terminated, to `message`.
#ifndef CGLYPHS_H
#define CGLYPHS_H

#include <stddef.h>
#include <stdint.h>

typedef struct GlyphFont GlyphFont;

/// Opens the font at `path` and selects its first bitmap size. To be closed with `glyph_font_close`.
int glyph_font_open(const char *path, GlyphFont **font, char *message, size_t message_size);

void glyph_font_close(GlyphFont *font);

/// The one glyph a sequence of code points is drawn with; 0 where the font has none, or draws it with several.
uint32_t glyph_font_shape(GlyphFont *font, const uint32_t *codepoints, size_t count);

/// Decodes one glyph's picture to RGBA, alpha not premultiplied, rows from the top. `*pixels` belongs to the
/// caller, who frees it with `glyph_pixels_free`. Pictures larger than 1,024 in either direction are refused.
int glyph_font_picture(
    GlyphFont *font, uint32_t glyph, uint8_t **pixels, uint32_t *width, uint32_t *height, char *message,
    size_t message_size);

void glyph_pixels_free(uint8_t *pixels);

#endif
