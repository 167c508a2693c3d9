// CGlyphs
