#ifndef MOONLIT_IMAGES_COMMON_H
#define MOONLIT_IMAGES_COMMON_H

#include "CImages.h"

/// Writes a message in printf's manner; returns false, so that a caller can `return moonlit_fail(…)`.
bool moonlit_fail(moonlit_image_message *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
