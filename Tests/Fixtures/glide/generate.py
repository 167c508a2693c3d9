"""Golden values of GLIDE's networks, from OpenAI's glide-text2im (see README.md).

    python generate.py --glide GLIDE-CHECKOUT                   # the committed fixtures, beside this script
    python generate.py --glide GLIDE-CHECKOUT --full-size OUT   # four models of full size with golden files

Versions: requirements.txt.
"""

import argparse
import json
import os
from unittest import mock

import torch as th

from reference import import_glide, randomise, relative_l2, save, save_split, small_network, source_hashes

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = [
    f"glide_text2im/{n}.py"
    for n in ("text2im_model", "unet", "xf", "nn", "gaussian_diffusion", "respace", "model_creation")
]

# One small geometry for all four variants, in create_model's words. Widths are multiples of 32 (GroupNorm's groups).
SMALL = dict(
    image_size=16,
    num_channels=32,
    channel_mult=[1, 2],
    num_res_blocks=1,
    attention_downsampling=[2],
    num_head_channels=16,
    text_ctx=8,
    xf_width=32,
    xf_layers=2,
    xf_heads=2,
    n_vocab=64,  # the last token pads, as 50256 does in GPT-2's vocabulary
    out_channels=6,
)
VARIANTS = {
    "base": dict(inpaint=False, super_res=False),
    "upsample": dict(inpaint=False, super_res=True),
    "base_inpaint": dict(inpaint=True, super_res=False),
    "upsample_inpaint": dict(inpaint=True, super_res=True),
}
# Counts by the published hyperparameters.
PARAMETERS = {
    "base": 385_030_726,
    "upsample": 398_361_286,
    "base_inpaint": 385_037_638,
    "upsample_inpaint": 398_368_198,
}
PROMPT = "a house next to a lake in moonlight"


def small_model(variant):
    from glide_text2im import text2im_model as m

    flags = VARIANTS[variant]
    cls = {
        (False, False): m.Text2ImUNet,
        (False, True): m.SuperResText2ImUNet,
        (True, False): m.InpaintText2ImUNet,
        (True, True): m.SuperResInpaintText2ImUnet,
    }[flags["inpaint"], flags["super_res"]]
    return small_network(cls, SMALL, dropout=0.1).eval()


def conditions(variant, n, size, generator):
    """What a variant is given besides noise and text: a quarter-size picture, a masked picture, or both."""
    result = {}
    if VARIANTS[variant]["super_res"]:
        result["low_res"] = th.rand(n, 3, size // 4, size // 4, generator=generator) * 2 - 1
    if VARIANTS[variant]["inpaint"]:
        result["inpaint_image"] = th.rand(n, 3, size, size, generator=generator) * 2 - 1
        mask = th.ones(n, 1, size, size)  # 1 is known
        mask[:, :, size // 4 : size // 2, size // 4 :] = 0
        mask[-1, :, size // 2 :] = 0
        result["inpaint_mask"] = mask
    return result


def run(model, inputs):
    """Runs the network, and collects what stands between its parts."""
    seen = {}

    def keep(name, f=lambda y: y):
        return lambda _, __, y: seen.__setitem__(name, f(y))

    hooks = [
        model.time_embed.register_forward_pre_hook(lambda _, a: seen.__setitem__("timestep_embedding", a[0])),
        model.time_embed.register_forward_hook(keep("time_embed")),
        model.final_ln.register_forward_hook(keep("text_states")),
        model.transformer_proj.register_forward_hook(keep("text_projection")),
        model.input_blocks[0].register_forward_hook(keep("input_block_0")),
        model.input_blocks[-1].register_forward_hook(keep("input_block_last")),
        model.middle_block.register_forward_hook(keep("middle_block")),
        model.output_blocks[-1].register_forward_hook(keep("output_block_last")),
    ]
    with th.no_grad():
        output = model(inputs["x"], inputs["timesteps"], **{k: v for k, v in inputs.items() if k not in ("x", "timesteps")})
    for hook in hooks:
        hook.remove()
    return output, seen


def double_output(model, inputs):
    """The same network in double precision (the reference casts to float32 here and there; the cast is turned off)."""
    cast = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    model.double()
    model.dtype = th.float64
    with mock.patch.object(th.Tensor, "float", th.Tensor.double):
        output, _ = run(model, cast)
    model.float()
    model.dtype = th.float32
    return output


def golden(prefix, inputs):
    return {f"{prefix}.{k}": v.to(th.int64) if k in ("timesteps", "tokens") else v for k, v in inputs.items()}


def trajectory(model, diffusion, tokens, mask, size, seed, guidance):
    """Samples as the notebook text2im.ipynb does (p_sample_loop, classifier-free guidance), recording every draw."""

    def model_fn(x_t, ts, **kwargs):
        half = x_t[: len(x_t) // 2]
        combined = th.cat([half, half], dim=0)
        model_out = model(combined, ts, **kwargs)
        eps, rest = model_out[:, :3], model_out[:, 3:]
        cond_eps, uncond_eps = th.split(eps, len(eps) // 2, dim=0)
        half_eps = uncond_eps + guidance * (cond_eps - uncond_eps)
        eps = th.cat([half_eps, half_eps], dim=0)
        return th.cat([eps, rest], dim=1)

    draws = []
    randn, randn_like = th.randn, th.randn_like

    def record(f):
        def draw(*args, **kwargs):
            draws.append(f(*args, **kwargs))
            return draws[-1]

        return draw

    th.manual_seed(seed)
    shape = (len(tokens), 3, size, size)
    with mock.patch.object(th, "randn", record(randn)), mock.patch.object(th, "randn_like", record(randn_like)):
        steps = list(
            diffusion.p_sample_loop_progressive(
                model_fn,
                shape,
                device="cpu",
                clip_denoised=True,
                model_kwargs=dict(tokens=tokens, mask=mask),
            )
        )
    # The seed alone reproduces every draw.
    generator = th.Generator().manual_seed(seed)
    for draw in draws:
        assert th.equal(draw, th.randn(shape, generator=generator))
    return {
        "trajectory.tokens": tokens.to(th.int64),
        "trajectory.mask": mask,
        "trajectory.timesteps": th.tensor(diffusion.timestep_map[::-1]),
        "trajectory.initial_noise": draws[0],
        "trajectory.noise": th.stack(draws[1:]),
        "trajectory.samples": th.stack([s["sample"] for s in steps]),
        "trajectory.pred_xstart": th.stack([s["pred_xstart"] for s in steps]),
        "trajectory.output": steps[-1]["sample"][: len(tokens) // 2],
    }


def trajectory_metadata(diffusion, seed, guidance, tensors):
    x0 = tensors["trajectory.pred_xstart"]
    return {
        "sampler": "p_sample_loop (ddpm), learned variance, clip_denoised, x = [conditional; unconditional]",
        "noise_schedule": "squaredcos_cap_v2",
        "timestep_respacing": "10",
        "guidance_scale": guidance,
        "seed": seed,
        "draws": "torch.manual_seed(seed); initial_noise = torch.randn(shape); noise[k] = torch.randn(shape) at step k, "
        "drawn at every step and unused at the last",
        "clamped_fraction_per_step": [round((s.abs() == 1).float().mean().item(), 3) for s in x0],
    }


def write_small(glide):
    from glide_text2im.model_creation import create_gaussian_diffusion

    hashes = source_hashes(glide, SOURCES)
    n, size, ctx, pad = 3, SMALL["image_size"], SMALL["text_ctx"], SMALL["n_vocab"] - 1
    lengths = [5, 0, ctx]  # a short prompt, the empty one, a full one
    trunk = None
    for number, variant in enumerate(VARIANTS):
        model = small_model(variant)
        randomise(model, seed=100, half=True)
        weights = model.state_dict()
        own = ["input_blocks.0.0.weight"]  # the only parameter whose shape the variants do not share
        if trunk is None:
            trunk = {k: v.clone() for k, v in weights.items() if k not in own}
            save_split(
                os.path.join(HERE, "trunk"),
                {f"weights.{k}": v.half() for k, v in trunk.items()},
                {"reference": hashes, "config": SMALL, "note": "float16 holds these float32 values exactly"},
            )
        first = th.randn(weights[own[0]].shape, generator=th.Generator().manual_seed(200 + number))
        model.load_state_dict({**trunk, own[0]: (first / first[0].numel() ** 0.5).half().float()})

        generator = th.Generator().manual_seed(300 + number)
        tokens = th.randint(0, pad, (n, ctx), generator=generator)
        mask = th.tensor([[i < length for i in range(ctx)] for length in lengths])
        inputs = dict(
            x=th.randn(n, 3, size, size, generator=generator),
            timesteps=th.tensor([0, 999, 421]),
            tokens=th.where(mask, tokens, pad),
            mask=mask,
            **conditions(variant, n, size, generator),
        )
        output, seen = run(model, inputs)
        error = relative_l2(output, double_output(model, inputs))
        print(f"{variant}: deviation {output.std():.3f}, float32 against float64 {error:.2e}")
        tensors = {
            **{f"weights.{k}": model.state_dict()[k].half() for k in own},
            **golden("glide", {**inputs, "output": output}),
            **{f"intermediate.{k}": v for k, v in seen.items()},
        }
        save(
            os.path.join(HERE, f"{variant}.safetensors"),
            tensors,
            {
                "reference": hashes,
                "variant": variant,
                "config": {**SMALL, **VARIANTS[variant]},
                "reference_float32_error": error,
                "weights": "this file's and trunk-*.safetensors together",
            },
        )
        if variant == "base":
            seed, guidance = 7, 3.0
            diffusion = create_gaussian_diffusion(
                steps=1000, noise_schedule="squaredcos_cap_v2", timestep_respacing="10"
            )
            empty = th.full((2, ctx), pad)
            t = trajectory(
                model,
                diffusion,
                th.cat([inputs["tokens"][[0, 2]], empty]),
                th.cat([mask[[0, 2]], th.zeros(2, ctx, dtype=th.bool)]),
                size,
                seed,
                guidance,
            )
            metadata = trajectory_metadata(diffusion, seed, guidance, t)
            print(metadata["clamped_fraction_per_step"])
            save(
                os.path.join(HERE, "base.trajectory.safetensors"),
                t,
                {"reference": hashes, "config": SMALL, **metadata},
            )


def write_full(glide, out, only):
    from safetensors.torch import save_file

    from glide_text2im.model_creation import (
        create_model_and_diffusion,
        model_and_diffusion_defaults,
        model_and_diffusion_defaults_upsampler,
    )

    hashes = source_hashes(glide, SOURCES)
    os.makedirs(out, exist_ok=True)
    for number, (variant, flags) in enumerate(VARIANTS.items()):
        if only and variant not in only:
            continue
        options = model_and_diffusion_defaults_upsampler() if flags["super_res"] else model_and_diffusion_defaults()
        options.update(use_fp16=False, inpaint=flags["inpaint"], timestep_respacing="10")
        model, diffusion = create_model_and_diffusion(**options)
        model.eval()
        randomise(model, seed=500 + number)
        count = sum(p.numel() for p in model.parameters())
        text = sum(
            p.numel()
            for k, p in model.named_parameters()
            if k.startswith(("transformer", "token_embedding", "positional", "padding", "final_ln"))
        )
        print(f"{variant}: {count} parameters, of which text {text}; expected {PARAMETERS[variant]}", flush=True)
        assert count == PARAMETERS[variant]
        th.save(model.state_dict(), os.path.join(out, f"{variant}.pt"))

        generator = th.Generator().manual_seed(600 + number)
        size, ctx = options["image_size"], options["text_ctx"]
        rows = [model.tokenizer.padded_tokens_and_mask(t, ctx) for t in (model.tokenizer.encode(PROMPT), [])]
        tokens, mask = th.tensor([r[0] for r in rows]), th.tensor([r[1] for r in rows])
        inputs = dict(
            x=th.randn(2, 3, size, size, generator=generator),
            timesteps=th.tensor([999, 0]),
            tokens=tokens,
            mask=mask,
            **conditions(variant, 2, size, generator),
        )
        output, seen = run(model, inputs)
        shown = {f"intermediate.{k}": v for k, v in seen.items() if v.ndim < 4}
        tensors = {**golden("glide", {**inputs, "output": output}), **shown}
        metadata = {
            "torch": th.__version__, "reference": hashes, "variant": variant, "prompt": PROMPT, "config": json.dumps(options),
        }  # fmt: skip
        print(f"{variant}: output deviation {output.std():.3f}", flush=True)
        save_file(
            {k: v.contiguous() for k, v in tensors.items()},
            os.path.join(out, f"{variant}.golden.safetensors"),
            metadata=metadata,
        )
        if variant == "base":
            seed, guidance = 7, 3.0
            t = trajectory(model, diffusion, tokens, mask, size, seed, guidance)
            extra = {k: str(v) for k, v in trajectory_metadata(diffusion, seed, guidance, t).items()}
            print(extra["clamped_fraction_per_step"], flush=True)
            save_file(
                {k: v.contiguous() for k, v in t.items()},
                os.path.join(out, "base.trajectory.safetensors"),
                metadata={**metadata, **extra},
            )
        del model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True, help="a checkout of openai/glide-text2im")
    parser.add_argument("--full-size", metavar="OUT", help="write full-size models with golden files there instead")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, help="of the full-size models, only these")
    arguments = parser.parse_args()
    import_glide(arguments.glide)
    if arguments.full_size:
        write_full(arguments.glide, arguments.full_size, arguments.only)
    else:
        write_small(arguments.glide)


if __name__ == "__main__":
    main()
