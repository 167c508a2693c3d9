"""What the fixture scripts share: finding the reference sources, random weights, small safetensors files.

References, unmodified:
- OpenAI's glide-text2im (github.com/openai/glide-text2im);
- k-diffusion (github.com/crowsonkb/k-diffusion, 0.2.0.dev0).
The SHA-256 of every reference file a fixture depends on stands in the fixture's metadata.
Versions of the Python packages: requirements.txt in this folder.
"""

import hashlib
import importlib
import json
import math
import os
import sys
import types

import torch as th
from safetensors.torch import save_file

LIMIT = 1_000_000  # bytes a fixture file may have


def import_glide(path):
    """Makes `glide_text2im` importable from a checkout."""
    sys.path.insert(0, os.path.abspath(path))
    importlib.import_module("glide_text2im")


def import_k_diffusion_sampling(path):
    """Imports `k_diffusion/sampling.py` alone.

    The package's own __init__ wants torchvision, torchsde and more, none of which the fixed-step samplers use;
    they are replaced by empty modules.
    """

    class Missing(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return None

    missing = ("torchdiffeq", "torchsde", "torchvision", "torchvision.transforms")
    package = types.ModuleType("k_diffusion")
    package.__path__ = [os.path.join(os.path.abspath(path), "k_diffusion")]
    stubs = {name: Missing(name) for name in missing}
    sys.modules.update(stubs, k_diffusion=package)
    try:
        return importlib.import_module("k_diffusion.sampling")
    finally:
        for name in stubs:
            del sys.modules[name]


def small_network(kind, config, dropout):
    """A network of one of glide-text2im's classes in a small geometry, told in `create_model`'s words."""
    c = config
    return kind(
        text_ctx=c["text_ctx"],
        xf_width=c["xf_width"],
        xf_layers=c["xf_layers"],
        xf_heads=c["xf_heads"],
        xf_final_ln=True,
        tokenizer=types.SimpleNamespace(n_vocab=c["n_vocab"]),
        xf_padding=True,
        in_channels=3,
        model_channels=c["num_channels"],
        out_channels=c["out_channels"],
        num_res_blocks=c["num_res_blocks"],
        attention_resolutions=tuple(c["attention_downsampling"]),
        dropout=dropout,
        channel_mult=tuple(c["channel_mult"]),
        num_head_channels=c["num_head_channels"],
        use_scale_shift_norm=True,
        resblock_updown=True,
    )


def source_hashes(root, names):
    """SHA-256 of reference files, so that a fixture says what it was made from."""
    result = {}
    for name in names:
        with open(os.path.join(root, name), "rb") as file:
            result[name] = hashlib.sha256(file.read()).hexdigest()
    return json.dumps(result, sort_keys=True)


@th.no_grad()
def randomise(model, seed, half=False):
    """Gives every parameter a random value, also those that training would start at zero.

    Matrices get deviation 1/sqrt(fan-in), so activations keep their size; normalisations lie around 1;
    with `half`, values are rounded to what float16 holds, so that a file can store them exactly in half the space.
    """
    generator = th.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        r = th.randn(p.shape, generator=generator)
        if p.ndim == 1:
            value = 1 + 0.2 * r if name.endswith("weight") else 0.1 * r
        elif "embedding" in name:
            value = 0.5 * r
        else:
            value = r / math.sqrt(p[0].numel())
        p.copy_(value.half().float() if half else value)


def text(metadata):
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}


def sort_header(path):
    """Orders the header, which safetensors leaves to a hash map, so that the same run writes the same bytes."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    entries = sorted(header.items(), key=lambda e: e[1]["data_offsets"] if e[0] != "__metadata__" else [-1])
    ordered = {k: dict(sorted(v.items())) for k, v in entries}
    encoded = json.dumps(ordered, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded + data[8 + length :])


def save(path, tensors, metadata):
    """Writes one safetensors file and refuses one that is too large to commit."""
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, path, metadata=text({"torch": th.__version__, **metadata}))
    sort_header(path)
    size = os.path.getsize(path)
    print(f"{os.path.basename(path)}: {len(tensors)} tensors, {size} bytes")
    if size >= LIMIT:
        raise SystemExit(f"{path} has {size} bytes; a fixture stays under {LIMIT}")


def save_split(stem, tensors, metadata):
    """Writes STEM-1.safetensors, STEM-2.safetensors …, each under the limit, tensors in order."""
    parts, size = [{}], 0
    for name, tensor in tensors.items():
        bytes_ = tensor.numel() * tensor.element_size()
        if parts[-1] and size + bytes_ > LIMIT - 100_000:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += bytes_
    for k, part in enumerate(parts, 1):
        save(f"{stem}-{k}.safetensors", part, {**metadata, "part": f"{k} of {len(parts)}"})


def relative_l2(a, b):
    a, b = a.double(), b.double()
    return ((a - b).norm() / b.norm()).item()
