"""Sampling guided by noised CLIP, as glide-text2im does it, with small random networks (see README.md).

    python clip_guided.py --glide GLIDE-CHECKOUT

The base model is the committed fixtures' own. Versions: requirements.txt.
"""

import argparse
import json
import os

import numpy as np
import torch as th

from generate import HERE, SMALL, SOURCES
from pipeline import guided, load_small
from reference import import_glide, save, source_hashes

PROMPTS = ["a house next to a lake in moonlight", "Two foxes, don't they jump?"]
TOKENS = [[3, 1, 4, 15, 9], [2, 7, 18, 28, 18, 28, 45]]
SCALE, SEED, TABLE_SEED = 3.0, 11, 12
# One head of 64, as its width is read from published files.
IMAGE = dict(image_size=16, patch_size=4, n_embd=32, n_head=1, n_xf_blocks=1, n_head_state=64, n_timestep=1000)
TEXT = dict(n_bpe_vocab=65536, max_text_len=77, n_embd=32, n_head=1, n_xf_blocks=1, n_head_state=64)
CLIP_SOURCES = [f"glide_text2im/clip/{n}.py" for n in ("model_creation", "encoders", "attention", "utils")] + [
    "glide_text2im/tokenizer/simple_tokenizer.py"
]


@th.no_grad()
def randomise(model, seed):
    """Gains about 1, biases about 0, tables of a half, matrices that keep their input's size; all that float16 holds."""
    generator = th.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        r = th.randn(p.shape, generator=generator)
        if p.ndim == 1:
            value = 0.2 * r + (1 if name.endswith(".g") else 0)
        elif name.split(".")[-1] in ("w_pos", "w_t"):
            value = 0.5 * r
        else:
            value = r / p[0].numel() ** 0.5
        p.copy_(value.half().float())


def clip_model():
    np.bool = bool  # as NumPy 1 had it
    from glide_text2im.clip.encoders import ImageEncoder, TextEncoder
    from glide_text2im.clip.model_creation import CLIPModel
    from glide_text2im.tokenizer.simple_tokenizer import SimpleTokenizer

    device = th.device("cpu")
    image, text = ImageEncoder(**IMAGE, device=device), TextEncoder(**TEXT, device=device)
    randomise(image, 60)
    randomise(text, 61)
    # Too large to commit: its seed says it all.
    table = text.blocks["input"].w_voc
    with th.no_grad():
        table.copy_(0.5 * th.randn(table.shape, generator=th.Generator().manual_seed(TABLE_SEED)))
    return CLIPModel(
        config={}, text_encoder=text, image_encoder=image, device=device, tokenizer=SimpleTokenizer(),
        logit_scale=th.tensor(np.log(100.0), dtype=th.float32),
    )


def trajectories(base, clip, tokens, mask):
    """Ten steps each: alone, and with classifier-free guidance in the notebooks' doubled batch."""
    from glide_text2im.model_creation import create_gaussian_diffusion

    def diffusion(respacing):
        return create_gaussian_diffusion(steps=1000, noise_schedule="squaredcos_cap_v2", timestep_respacing=respacing)

    # DDIM from step 900 on: from 999, where next to nothing is left of a picture, it throws x far off.
    ddpm, ddim = diffusion("10"), diffusion("ddim10")
    count, size = len(PROMPTS), SMALL["image_size"]
    result = {}
    for together in (False, True):
        copies = 2 if together else 1
        rows = slice(0, copies * count)
        for name, loop in (("ddpm", ddpm.p_sample_loop_progressive), ("ddim", ddim.ddim_sample_loop_progressive)):
            for guide in (None, clip.cond_fn(PROMPTS * copies, SCALE)):
                th.manual_seed(SEED)
                steps = [
                    step["sample"][:count]
                    for step in loop(
                        guided(base) if together else base, (copies * count, 3, size, size), device="cpu",
                        clip_denoised=True, cond_fn=guide, model_kwargs=dict(tokens=tokens[rows], mask=mask[rows]),
                    )
                ]
                if guide is None:
                    plain = steps[-1]
                else:
                    key = f"{name}.{'both' if together else 'alone'}"
                    result[key] = th.stack(steps)
                    moved = (steps[-1] - plain).norm() / plain.norm()
                    print(f"{key}: moved by {moved:.3f} of its norm")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True, help="a checkout of openai/glide-text2im")
    glide = parser.parse_args().glide
    import_glide(glide)
    clip, base = clip_model(), load_small("base")

    pad, context = SMALL["n_vocab"] - 1, SMALL["text_ctx"]
    tokens = th.full((2 * len(PROMPTS), context), pad)  # the prompts, then as many empty ones
    for row, words in enumerate(TOKENS):
        tokens[row, : len(words)] = th.tensor(words)
    mask = tokens != pad

    x = th.randn(2, 3, 16, 16, generator=th.Generator().manual_seed(62))
    timesteps = th.tensor([999, 421])
    tensors = {f"image.{k}": v.half() for k, v in clip.image_encoder.state_dict().items()}
    tensors |= {f"text.{k}": v.half() for k, v in clip.text_encoder.state_dict().items() if not k.endswith("w_voc")}
    with th.no_grad():
        tensors |= {
            "x": x,
            "timesteps": timesteps,
            "image_embedding": clip.image_embeddings(x, timesteps),
            "text_embedding": clip.text_embeddings(PROMPTS),
            "clip_tokens": clip.encode_prompts(PROMPTS)[0],
            "gradient": clip.cond_fn(PROMPTS, SCALE)(x, timesteps),
            "tokens": tokens,
            "mask": mask,
        }
        tensors |= trajectories(base, clip, tokens, mask)
    save(
        os.path.join(HERE, "clip_guided.safetensors"),
        tensors,
        {
            "reference": source_hashes(glide, SOURCES + CLIP_SOURCES),
            "prompts": json.dumps(PROMPTS),
            "seed": SEED,
            "table": f"text.blocks.input.w_voc is 0.5 * randn(65536, 64) of seed {TABLE_SEED}",
            "scale": SCALE,
            "guidance_scale": 3.0,
        },
    )


if __name__ == "__main__":
    main()
