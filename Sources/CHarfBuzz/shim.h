// Only carries HarfBuzz's compiler and linker flags, by pkg-config, to CGlyphs.
