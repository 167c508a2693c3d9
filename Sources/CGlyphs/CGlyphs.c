#include "CGlyphs.h"
