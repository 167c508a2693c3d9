// Only carries FreeType's compiler and linker flags, by pkg-config, to CGlyphs.
