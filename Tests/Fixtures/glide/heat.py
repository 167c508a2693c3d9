"""How strongly pixels attend to a text in GLIDE's small base network, from OpenAI's glide-text2im (see README.md).

    python heat.py --glide GLIDE-CHECKOUT
"""

import argparse
import os

import torch as th
from safetensors.torch import load_file

from reference import import_glide, save, source_hashes

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--glide", required=True)
    checkout = parser.parse_args().glide
    import_glide(checkout)
    from glide_text2im import unet
    from generate import SMALL, small_model

    th.set_num_threads(1)
    parts = {}
    for name in ["base", "trunk-1", "trunk-2"]:
        parts.update(load_file(f"{HERE}/{name}.safetensors"))
    model = small_model("base")
    model.load_state_dict({k[8:]: v.float() for k, v in parts.items() if k.startswith("weights.")})

    seen = []
    softmax = th.softmax

    def watched(x, dim):
        weight = softmax(x, dim=dim)
        if weight.shape[-1] > SMALL["text_ctx"] and weight.shape[-1] - weight.shape[-2] == SMALL["text_ctx"]:
            seen.append(weight[..., : SMALL["text_ctx"]])
        return weight

    unet.th.softmax = watched
    with th.no_grad():
        model(parts["glide.x"], parts["glide.timesteps"], tokens=parts["glide.tokens"].long(), mask=parts["glide.mask"])
    unet.th.softmax = softmax
    count = len(parts["glide.x"])
    # [N · heads, HW, L] → [N, heads, L, h, w], in the order of the blocks' calls.
    tensors = {}
    for index, weight in enumerate(seen):
        side = int(weight.shape[1] ** 0.5)
        heads = weight.shape[0] // count
        tensors[f"weights.{index}"] = weight.reshape(count, heads, side, side, -1).permute(0, 1, 4, 2, 3).contiguous()
        print(index, tuple(tensors[f"weights.{index}"].shape))
    save(f"{HERE}/heat.safetensors", tensors, {"sources": source_hashes(checkout, ["glide_text2im/unet.py"])})


if __name__ == "__main__":
    main()
