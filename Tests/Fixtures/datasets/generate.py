"""Makes the fixtures of DatasetsTests. Python 3.11, Pillow 13.0.0, numpy 2.4.6; the files do not depend on the day.

    python generate.py        (writes beside itself)
"""
import io
import json
import pathlib
import tarfile

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent


def picture(red, green, blue, width=24, height=16):
    """One colour with a bright left edge, so that mirroring shows."""
    pixels = np.full((height, width, 3), (red, green, blue), np.uint8)
    pixels[:, :2] = 255
    return Image.fromarray(pixels)


def encoded(image, form):
    out = io.BytesIO()
    image.save(out, form, **({"quality": 90} if form == "JPEG" else {}))
    return out.getvalue()


def folder():
    root = here / "folder"
    (root / "deep").mkdir(parents=True, exist_ok=True)
    picture(200, 30, 30).save(root / "red.png")
    picture(30, 200, 30).save(root / "green.jpg", quality=90)
    picture(30, 30, 200).save(root / "deep" / "blue.webp", lossless=True)
    picture(200, 200, 30).save(root / "yellow.png")
    picture(90, 90, 90).save(root / "silent.png")
    (root / "metadata.jsonl").write_text(
        json.dumps({"file_name": "red.png", "text": "a red field"}) + "\n\n"
        + json.dumps({"file_name": "./green.jpg", "caption": ["a green field", "green"], "extra": 1}) + "\n")
    (root / "captions.txt").write_text(
        "red.png\tred, and nothing else\nred.png\ta red field\nyellow.png,\"a yellow field, they say\"\n")
    (root / "deep" / "blue.txt").write_text("a blue field\n\nblue all over\n")


def add(tar, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def shard(name, form, long):
    with tarfile.open(here / name, "w", format=form) as tar:
        folder = tarfile.TarInfo("pictures/")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for number, colour in enumerate([(200, 30, 30), (30, 200, 30), (30, 30, 200)]):
            key = f"pictures/{'a' * long}{number:04}"
            add(tar, key + ".png", encoded(picture(*colour), "PNG"))
            if number == 0:
                add(tar, key + ".txt", b"a red field\nred\n")
            elif number == 1:
                add(tar, key + ".json", json.dumps({"caption": "a green field", "id": 7}).encode())
            else:
                add(tar, key + ".cap", "a blue field, caf\u00e9".encode())
        add(tar, "pictures/lonely.jpg", encoded(picture(1, 2, 3), "JPEG"))
        link = tarfile.TarInfo("pictures/link.png")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        tar.addfile(link)


folder()
shard("ustar.tar", tarfile.USTAR_FORMAT, 0)
shard("gnu.tar", tarfile.GNU_FORMAT, 150)
shard("pax.tar", tarfile.PAX_FORMAT, 150)
(here / "annotations.xml").write_text("""<?xml version="1.0" encoding="UTF-8" ?>
<ldml>
\t<annotations>
\t\t<annotation cp="\U0001F34E">apple | fruit | red</annotation>
\t\t<annotation cp="\U0001F34E" type="tts">red apple</annotation>
\t\t<!-- <annotation cp="" type="tts">space</annotation> -->
\t\t<annotation cp="&lt;" type="tts">less-than &amp; smaller &#x2603;</annotation>
\t\t<annotation cp="\U0001F418">elephant</annotation>
\t\t<annotation cp="\U0001F418" type="tts">elephant</annotation>
\t</annotations>
</ldml>
""")
