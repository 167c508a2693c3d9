"""Golden values of cross-attending U-Nets: diffusers' UNet2DConditionModel and CompVis' UNetModel (see README.md).

    python generate.py --ldm LATENT-DIFFUSION-CHECKOUT --sgm GENERATIVE-MODELS-CHECKOUT

Versions: requirements.txt.
"""

import argparse
import json
import os

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch.utils.flop_counter import FlopCounterMode

import lineage

HERE = os.path.dirname(os.path.abspath(__file__))
CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"


def blocks(attention):
    down = [CROSS if a else PLAIN for a in attention]
    return dict(down_block_types=down, up_block_types=[d.replace("Down", "Up") for d in reversed(down)])


# Each family at a tiny size; what a family leaves to diffusers' defaults is left so here, too.
NETWORKS = {
    # Stable Diffusion 1: heads by number, convolutions as projections, no attention at the bottom.
    "sd1": dict(
        config=dict(
            **blocks([1, 1, 1, 0]), block_out_channels=[8, 8, 16, 16], layers_per_block=2, attention_head_dim=4,
            cross_attention_dim=20, norm_num_groups=8, in_channels=4, out_channels=4,
        ),
        size=(16, 24), tokens=7,
    ),
    # Stable Diffusion 2: heads by width, linear projections.
    "sd2": dict(
        config=dict(
            **blocks([1, 1, 1, 0]), block_out_channels=[8, 8, 16, 16], layers_per_block=1,
            attention_head_dim=[2, 2, 4, 4], cross_attention_dim=24, norm_num_groups=4, use_linear_projection=True,
            upcast_attention=True,
        ),
        size=(24, 8), tokens=9,
    ),
    # Stable Diffusion XL: depth by level, pooled text and six sizes.
    "xl": dict(
        config=dict(
            **blocks([0, 1, 1]), block_out_channels=[8, 8, 16], layers_per_block=1, attention_head_dim=[1, 1, 2],
            transformer_layers_per_block=[1, 2, 3], cross_attention_dim=28, norm_num_groups=8,
            use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=6,
            projection_class_embeddings_input_dim=20 + 6 * 6,
        ),
        size=(12, 16), tokens=7, pooled=20, sizes=6,
    ),
    # XL's refiner: the same depth everywhere, no attention at the bottom, five sizes.
    "refiner": dict(
        config=dict(
            **blocks([0, 1, 0]), block_out_channels=[8, 8, 16], layers_per_block=1, attention_head_dim=[2, 2, 4],
            transformer_layers_per_block=2, cross_attention_dim=20, norm_num_groups=8, use_linear_projection=True,
            addition_embed_type="text_time", addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=12 + 5 * 256,
        ),
        size=(8, 12), tokens=5, pooled=12, sizes=5,
    ),
    # Inpainting: nine channels; a size that halves to odd ones.
    "inpainting": dict(
        config=dict(
            **blocks([1, 1, 0]), block_out_channels=[8, 8, 16], layers_per_block=1, attention_head_dim=2,
            cross_attention_dim=12, norm_num_groups=4, in_channels=9,
        ),
        size=(13, 22), tokens=6,
    ),
    # Nothing as usual: blocks by level, heads of neither one number nor one width, modulation, odd sides.
    "odd": dict(
        config=dict(
            **blocks([1, 0, 1]), block_out_channels=[6, 4, 12], layers_per_block=[1, 3, 2],
            attention_head_dim=[3, 1, 2], transformer_layers_per_block=[2, 1, 1], cross_attention_dim=10,
            norm_num_groups=2, resnet_time_scale_shift="scale_shift", in_channels=5, out_channels=3,
        ),
        size=(11, 7), tokens=4,
    ),
}


def randomise(model, generator):
    """Every parameter, also those that training starts at zero; exactly representable in float16."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.ndim > 1:
                value = noise / (3 * p[0].numel()) ** 0.5  # as wide as PyTorch's own start
            elif name.endswith("weight"):  # of a normalisation
                value = 1 + 0.1 * noise
            else:
                value = 0.1 * noise
            p.copy_(value.half().float())


def inputs(spec, generator):
    channels = spec["config"].get("in_channels", 4)
    rows = 2
    values = {
        "x": torch.randn(rows, channels, *spec["size"], generator=generator),
        "timesteps": torch.tensor([999, 421][:rows]),
        "text": torch.randn(rows, spec["tokens"], spec["config"].get("cross_attention_dim", 1280), generator=generator),
    }
    if "pooled" in spec:
        values["pooled"] = torch.randn(rows, spec["pooled"], generator=generator)
        sizes = torch.tensor([[1024, 768, 0, 0, 1024, 1024], [512, 512, 16, 128, 832, 1216]])
        values["sizes"] = sizes[:, : spec["sizes"]].float()
    return values


def run(model, values):
    added = {"text_embeds": values["pooled"], "time_ids": values["sizes"]} if "pooled" in values else None
    with torch.no_grad():
        return model(values["x"], values["timesteps"], values["text"], added_cond_kwargs=added).sample


def cast(values, dtype):
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in values.items()}


def relative(a, b):
    return ((a.double() - b.double()).norm() / b.double().norm()).item()


def operations(model, values):
    """PyTorch's count for one picture; attention by plain matrix products, which it counts."""
    processors = model.attn_processors
    model.set_attn_processor(AttnProcessor())
    with FlopCounterMode(display=False) as counter:
        run(model, {k: v[:1] for k, v in values.items()})
    model.set_attn_processor(processors)
    return counter.get_total_flops()


def added_input(model, values):
    """What reaches the added embedding's first layer."""
    seen = []
    hook = model.add_embedding.linear_1.register_forward_pre_hook(lambda _, a: seen.append(a[0]))
    run(model, values)
    hook.remove()
    return seen[0]


def diffusers_network(name, spec, seed):
    generator = torch.Generator().manual_seed(seed)
    model = UNet2DConditionModel(**spec["config"]).eval()
    randomise(model, generator)
    values = inputs(spec, generator)
    output = run(model, values)
    if "pooled" in values:
        values["added"] = added_input(model, values)
    count = operations(model, values)
    double = run(model.double(), cast(values, torch.float64))
    tensors = {f"weights.{k}": v.half() for k, v in model.state_dict().items()}
    half = run(model.bfloat16(), cast(values, torch.bfloat16))
    metadata = {
        "config": json.dumps(json.loads(model.to_json_string()), sort_keys=True),
        "operations": str(count),
        "seed": str(seed),
        "reference_float32_error": f"{relative(output, double):.3g}",
        "reference_bfloat16_error": f"{relative(half, double):.3g}",
    }
    lineage.save(tensors | values | {"output": output}, os.path.join(HERE, f"{name}.safetensors"), metadata)
    print(name, metadata["reference_float32_error"], metadata["reference_bfloat16_error"], count)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ldm", required=True)
    parser.add_argument("--sgm", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for seed, (name, spec) in enumerate(NETWORKS.items()):
        diffusers_network(name, spec, seed)
    lineage.latent_diffusion(args.ldm, os.path.join(HERE, "ldm.safetensors"), randomise, relative)
    lineage.same_network(args.sgm, randomise, relative)
    lineage.published(args.ldm, args.sgm, HERE)


if __name__ == "__main__":
    main()
