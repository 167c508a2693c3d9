"""GLIDE's whole way, from a prompt to 256×256, and its noised CLIP towers, from OpenAI's glide-text2im (see README.md).

    python pipeline.py --glide GLIDE-CHECKOUT                   # the committed fixture, beside this script
    python pipeline.py --glide GLIDE-CHECKOUT --full-size OUT   # of the models that generate.py --full-size wrote there

The second also writes OUT/clip_image_enc.pt and clip_text_enc.pt with random weights, and a golden file of both.
Versions: requirements.txt.
"""

import argparse
import json
import os

import torch as th

from generate import HERE, PROMPT, SMALL, SOURCES, small_model
from reference import import_glide, randomise, save, source_hashes

SEED, GUIDANCE, TEMPERATURE = 7, 3.0, 0.997


def guided(model):
    def model_fn(x, timesteps, **kwargs):
        half = x[: len(x) // 2]
        eps, rest = model(th.cat([half, half]), timesteps, **kwargs).split(3, dim=1)
        conditional, unconditional = eps.chunk(2)
        eps = unconditional + GUIDANCE * (conditional - unconditional)
        return th.cat([th.cat([eps, eps]), rest], dim=1)

    return model_fn


def run(base, upsampler, size, tokens, mask):
    """As the notebook text2im.ipynb: ten guided ancestral steps, then fast27 by DDIM from noise of 0.997.

    tokens, mask: [2, context], the prompt and the empty one.
    """
    from glide_text2im.model_creation import create_gaussian_diffusion

    first = create_gaussian_diffusion(steps=1000, noise_schedule="squaredcos_cap_v2", timestep_respacing="10")
    second = create_gaussian_diffusion(steps=1000, noise_schedule="linear", timestep_respacing="fast27")
    th.manual_seed(SEED)
    small = first.p_sample_loop(
        guided(base), (2, 3, size, size), device="cpu", clip_denoised=True, model_kwargs=dict(tokens=tokens, mask=mask)
    )[:1]
    if hasattr(base, "del_cache"):
        base.del_cache()
    shape = (1, 3, 4 * size, 4 * size)
    large = second.ddim_sample_loop(
        upsampler,
        shape,
        noise=th.randn(shape) * TEMPERATURE,
        device="cpu",
        clip_denoised=True,
        model_kwargs=dict(
            low_res=((small + 1) * 127.5).round() / 127.5 - 1, tokens=tokens[:1], mask=mask[:1]
        ),
    )
    # The seed alone gives every draw: the base's first noise and one a step, then the upsampler's first.
    generator = th.Generator().manual_seed(SEED)
    draws = [th.randn(2, 3, size, size, generator=generator) for _ in range(11)]
    return {
        "pipeline.tokens": tokens.to(th.int64),
        "pipeline.mask": mask,
        "pipeline.initial_noise": draws[0],
        "pipeline.noise": th.stack(draws[1:]),
        "pipeline.upsampler_noise": th.randn(shape, generator=generator),
        "pipeline.base": small,
        "pipeline.output": large,
    }


METADATA = {
    "base": "p_sample_loop, squaredcos_cap_v2, respaced to 10, x = [conditional; unconditional]",
    "upsampler": "ddim_sample_loop, linear, fast27, no guidance",
    "seed": SEED,
    "guidance_scale": GUIDANCE,
    "upsample_temperature": TEMPERATURE,
}


def load_small(variant):
    """The weights of the committed fixtures, which Moonlit's tests load too."""
    from safetensors.torch import load_file

    model = small_model(variant)
    weights = {}
    for name in ("trunk-1", "trunk-2", variant):
        for key, value in load_file(os.path.join(HERE, f"{name}.safetensors")).items():
            if key.startswith("weights."):
                weights[key.removeprefix("weights.")] = value.float()
    model.load_state_dict(weights)
    return model


def write_small(glide):
    pad, context = SMALL["n_vocab"] - 1, SMALL["text_ctx"]
    tokens = th.full((2, context), pad)
    tokens[0, :5] = th.tensor([3, 1, 4, 15, 9])
    mask = tokens != pad
    with th.no_grad():
        tensors = run(load_small("base"), load_small("upsample"), SMALL["image_size"], tokens, mask)
    save(
        os.path.join(HERE, "pipeline.safetensors"),
        tensors,
        {"reference": source_hashes(glide, SOURCES), "config": SMALL, **METADATA},
    )


def write_full(glide, out):
    from safetensors.torch import save_file

    from glide_text2im.model_creation import (
        create_model_and_diffusion,
        model_and_diffusion_defaults,
        model_and_diffusion_defaults_upsampler,
    )

    models = []
    for name, options in (
        ("base", model_and_diffusion_defaults()),
        ("upsample", model_and_diffusion_defaults_upsampler()),
    ):
        options.update(use_fp16=False)
        model, _ = create_model_and_diffusion(**options)
        model.load_state_dict(th.load(os.path.join(out, f"{name}.pt")))
        models.append(model.eval())
    tokenizer = models[0].tokenizer
    rows = [tokenizer.padded_tokens_and_mask(t, 128) for t in (tokenizer.encode(PROMPT), [])]
    tokens, mask = th.tensor([r[0] for r in rows]), th.tensor([r[1] for r in rows])
    write_towers(glide, out)
    with th.no_grad():
        tensors = run(*models, 64, tokens, mask)
    save_file(
        {k: v.contiguous() for k, v in tensors.items()},
        os.path.join(out, "pipeline.golden.safetensors"),
        metadata={k: v if isinstance(v, str) else json.dumps(v) for k, v in {"prompt": PROMPT, **METADATA}.items()},
    )


def write_towers(glide, out):
    """The noised CLIP towers in their published size, and what they make of a noisy picture and of two prompts."""
    from safetensors.torch import save_file

    from glide_text2im.clip.model_creation import create_clip_model

    clip = create_clip_model(device="cpu")
    randomise(clip.image_encoder, seed=900)
    randomise(clip.text_encoder, seed=901)
    th.save(clip.image_encoder.state_dict(), os.path.join(out, "clip_image_enc.pt"))
    th.save(clip.text_encoder.state_dict(), os.path.join(out, "clip_text_enc.pt"))
    generator = th.Generator().manual_seed(902)
    image = th.randn(2, 3, 64, 64, generator=generator)
    timesteps = th.tensor([999, 17])
    prompts = [PROMPT, ""]
    tokens, lengths = clip.encode_prompts(prompts)
    with th.no_grad():
        image_embedding = clip.image_embeddings(image, timesteps)
        text_embedding = clip.text_embeddings(prompts)
    save_file(
        {
            "clip.image": image,
            "clip.timesteps": timesteps,
            "clip.image_embedding": image_embedding,
            "clip.tokens": tokens.to(th.int64),
            "clip.text_embedding": text_embedding,
        },
        os.path.join(out, "clip.golden.safetensors"),
        metadata={"torch": th.__version__, "prompts": json.dumps(prompts)},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True, help="a checkout of openai/glide-text2im")
    parser.add_argument("--full-size", metavar="OUT", help="the folder that generate.py --full-size wrote")
    arguments = parser.parse_args()
    import_glide(arguments.glide)
    if arguments.full_size:
        write_full(arguments.glide, arguments.full_size)
    else:
        write_small(arguments.glide)


if __name__ == "__main__":
    main()
