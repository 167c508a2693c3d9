// Cairo, found by pkg-config: the canvas that composed scenes are drawn on.
#include <cairo.h>
