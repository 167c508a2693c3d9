"""Makes the pictures in this folder, and what Pillow reads in them.

    pip install pillow==12.3.0 && python generate.py

`kinds/` holds one small picture of each kind of file, `expected/NAME.png` what it shows as RGB or RGBA, and
`kinds.json` how far a decoder may be off. `orientations/` holds what a camera would store in each of EXIF's eight
orientations, and `resized/` Pillow's own results of `Image.resize`.
"""

import io
import json
import random
import shutil
import struct
import zlib
from pathlib import Path

import PIL
from PIL import Image, ImageOps, PngImagePlugin

assert PIL.__version__ == "12.3.0", PIL.__version__
here = Path(__file__).parent
for folder in ("kinds", "expected", "orientations", "resized"):
    shutil.rmtree(here / folder, ignore_errors=True)
    (here / folder).mkdir()


def scene(width, height, mode="RGBA", seed=1):
    """A slope of colour, a hard-edged disc, some noise; alpha from clear to opaque."""
    chance = random.Random(seed)
    picture = Image.new("RGBA", (width, height))
    for y in range(height):
        for x in range(width):
            disc = (x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (height * 0.3) ** 2
            noise = chance.randrange(-20, 21) if x < width // 3 else 0
            colour = (250, 240, 60) if disc else (x * 255 // (width - 1), y * 255 // (height - 1), 128)
            alpha = min(255, (x + y) * 400 // (width + height))
            picture.putpixel((x, y), (*(max(0, min(255, c + noise)) for c in colour), alpha))
    return picture.convert(mode)


# PNG by hand: Pillow writes neither interlaced files nor most 16-bit ones.
def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(width, height, depth, colour, samples, interlaced=False, extra=b""):
    """`samples[y][x]` is a tuple of channel values of `depth` bits."""

    def packed(rows):
        data = b""
        for row in rows:
            bits = "".join(format(v, f"0{depth}b") for pixel in row for v in pixel)
            bits += "0" * (-len(bits) % 8)
            data += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        return data

    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        data = b""
        for x0, y0, dx, dy in passes:
            rows = [row[x0::dx] for row in samples[y0::dy]]
            data += packed([row for row in rows if row])
    else:
        data = packed(samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def pixels(picture):
    data = list(picture.get_flattened_data())
    data = [p if isinstance(p, tuple) else (p,) for p in data]
    return [data[y * picture.width : (y + 1) * picture.width] for y in range(picture.height)]


def wide(rows, seed=2):
    """16-bit samples near 257 times the 8-bit ones, and what they are in 8 bits."""
    chance = random.Random(seed)
    deep = [[tuple(max(0, min(65535, v * 257 + chance.randrange(-100, 101))) for v in p) for p in row] for row in rows]
    return deep, [[tuple((v * 255 + 32767) // 65535 for v in p) for p in row] for row in deep]


tolerances = {}


def keep(name, data, expected, tolerance=0):
    (here / "kinds" / name).write_bytes(data)
    expected.save(here / "expected" / (name + ".png"))
    tolerances[name] = tolerance


def keep_saved(name, picture, mode, tolerance=0, **options):
    """A file Pillow writes, and what it reads back."""
    buffer = io.BytesIO()
    picture.save(buffer, Path(name).suffix[1:].replace("jpg", "jpeg"), **options)
    keep(name, buffer.getvalue(), Image.open(io.BytesIO(buffer.getvalue())).convert(mode), tolerance)


def from_rows(mode, rows):
    picture = Image.new(mode, (len(rows[0]), len(rows)))
    picture.putdata([p if len(p) > 1 else p[0] for row in rows for p in row])
    return picture


W, H = 23, 17
for depth in (1, 2, 4):
    top = (1 << depth) - 1
    rows = [[(v * top // 255,) for (v,) in row] for row in pixels(scene(W, H, "L"))]
    grey = from_rows("L", [[(v * 255 // top,) for (v,) in row] for row in rows])
    keep(f"grey{depth}.png", png(W, H, depth, 0, rows), grey.convert("RGB"))
keep_saved("grey8.png", scene(W, H, "L"), "RGB")
keep_saved("grey-alpha.png", scene(W, H, "LA"), "RGBA")
keep_saved("rgb.png", scene(W, H, "RGB"), "RGB")
keep_saved("rgba.png", scene(W, H), "RGBA")
palette = scene(W, H, "RGB").quantize(13)
keep_saved("palette.png", palette, "RGB")
keep_saved("palette-alpha.png", palette, "RGBA", transparency=bytes([0, 90, 180]))
yellow = (250, 240, 60)
keep_saved("rgb-key.png", scene(W, H, "RGB"), "RGBA", transparency=yellow)
for name, mode, colour in (("grey16", "L", 0), ("grey-alpha16", "LA", 4), ("rgb16", "RGB", 2), ("rgba16", "RGBA", 6)):
    deep, shallow = wide(pixels(scene(W, H, mode)))
    expected = from_rows(mode, shallow).convert("RGBA" if "A" in mode else "RGB")
    keep(f"{name}.png", png(W, H, 16, colour, deep), expected)
    keep(f"{name}-interlaced.png", png(W, H, 16, colour, deep, True), expected)
keep("rgba-interlaced.png", png(W, H, 8, 6, pixels(scene(W, H)), True), scene(W, H))
keep("tiny-interlaced.png", png(1, 1, 8, 2, [[(9, 8, 7)]], True), Image.new("RGB", (1, 1), (9, 8, 7)))

keep_saved("grey.jpg", scene(W, H, "L"), "RGB", 2, quality=90)
keep_saved("subsampled.jpg", scene(W, H, "RGB"), "RGB", 2, quality=90, subsampling="4:2:0")
keep_saved("full.jpg", scene(W, H, "RGB"), "RGB", 2, quality=95, subsampling="4:4:4")
keep_saved("progressive.jpg", scene(W, H, "RGB"), "RGB", 2, quality=90, progressive=True)
keep_saved("restarts.jpg", scene(W, H, "RGB"), "RGB", 2, quality=90, restart_marker_blocks=1)
keep_saved("cmyk.jpg", scene(W, H, "RGB").convert("CMYK"), "RGB", 2, quality=95)
inks = scene(W, H, "RGB").convert("CMYK")
black = scene(W, H, "L", seed=3)
keep_saved("cmyk-black.jpg", Image.merge("CMYK", [*inks.split()[:3], black]), "RGB", 3, quality=95)

keep_saved("lossy.webp", scene(W, H, "RGB"), "RGB", 2, quality=80)
keep_saved("lossy-alpha.webp", scene(W, H), "RGBA", 2, quality=80)
keep_saved("lossless.webp", scene(W, H, "RGB"), "RGB", lossless=True)
keep_saved("lossless-alpha.webp", scene(W, H), "RGBA", lossless=True, exact=True)
keep_saved(
    "animated.webp", scene(W, H), "RGBA", lossless=True, exact=True, save_all=True, append_images=[scene(W, H, seed=8)])
# An opaque patch on a clear canvas: the first frame is smaller than the canvas.
stages = []
for seed in (1, 2):
    stages.append(Image.new("RGBA", (60, 50)))
    stages[-1].paste(scene(W, H, "RGB", seed), (14, 20))
keep_saved("animated-patch.webp", stages[0], "RGBA", lossless=True, save_all=True, append_images=stages[1:])

(here / "kinds.json").write_text(json.dumps(tolerances, indent=1) + "\n")

# Orientations: the stored pixels are the same, the tag differs.
stored = scene(11, 7, "RGB", seed=4)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for extension, options in (("jpg", {"quality": 95}), ("png", {}), ("webp", {"lossless": True})):
        buffer = io.BytesIO()
        stored.save(buffer, extension.replace("jpg", "jpeg"), exif=exif, **options)
        name = f"{orientation}.{extension}"
        (here / "orientations" / name).write_bytes(buffer.getvalue())
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
        upright.convert("RGB").save(here / "orientations" / f"{name}.expected.png", exif=b"")

# Resizing. From version 13 on, Pillow goes down first and then across where the height shrinks much more than the width;
# where a kernel overshoots, the samples cut off in between are then others. Until then it always went across first.
filters = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
for mode in ("RGB", "RGBA"):
    source = scene(61, 43, mode, seed=5)
    source.save(here / "resized" / f"{mode.lower()}.png")
    for name, resampling in filters.items():
        for size in ((20, 13), (97, 70), (61, 9), (7, 43), (13, 60), (90, 20)):
            result = source.resize(size, resampling)
            result.save(here / "resized" / f"{mode.lower()}-{name}-{size[0]}x{size[1]}.png", optimize=True)
    for name, size in (("box", (16, 16)), ("lanczos", (16, 16)), ("bicubic", (90, 20)), ("nearest", (33, 50))):
        result = ImageOps.fit(source, size, filters[name])
        result.save(here / "resized" / f"{mode.lower()}-{name}-fit-{size[0]}x{size[1]}.png", optimize=True)

# Texts as Pillow writes them, compressed ones among them.
info = PngImagePlugin.PngInfo()
info.add_text("parameters", "a house next to a lake\nSteps: 20, Seed: 7")
info.add_text("Comment", "caf\u00e9 " * 40, zip=True)
info.add_itxt("moonlit", '{"prompt": "\u6708\u5149 \U0001f319"}')
info.add_itxt("Description", "\u6e56" * 100, lang="zh", tkey="\u63cf\u8ff0", zip=True)
Image.new("RGB", (2, 2)).save(here / "texts.png", pnginfo=info)
