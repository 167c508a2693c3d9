"""Small random models of the Stable Diffusion families, made with diffusers.

Every number of their weights is one that float16 holds, so that files in either type say the same.
"""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

MERGES = ["h o", "u s", "us e</w>", "ho use</w>", "a k", "ak e</w>", "l ake</w>", "m o", "mo o", "moo n"]


BETAS = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
    "trained_betas": None, "clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
}
# As the scheduler_config.json of Stable Diffusion 1.5, 2.1 and XL have it.
SCHEDULERS = {
    "sd1": (PNDMScheduler, BETAS),
    "sd2": (DDIMScheduler, BETAS | {"prediction_type": "v_prediction"}),
    "xl": (
        EulerDiscreteScheduler,
        BETAS | {
            "interpolation_type": "linear", "prediction_type": "epsilon", "sample_max_value": 1.0,
            "timestep_spacing": "leading", "use_karras_sigmas": False,
        },
    ),
}


@dataclass
class Family:
    """What is drawn of a configuration; the rest is as published."""

    name: str  # "sd1", "sd2", "xl"
    channels: list = field(default_factory=lambda: [8, 16])
    attention: list = field(default_factory=lambda: [True, False])
    depths: list = field(default_factory=lambda: [1, 1])
    blocks: int = 1
    heads: int = 4  # a number of heads (sd1), or their number a level from their width (sd2, xl)
    groups: int = 4
    sample: int = 8
    vae_channels: list = field(default_factory=lambda: [8, 16])
    text_width: int = 16
    text_layers: int = 3
    text_heads: int = 4
    text2_width: int = 16
    text2_layers: int = 3
    time_width: int = 8  # of each of XL's six numbers
    input_channels: int = 4
    projection: int = 24


def draw(name: str, rng: random.Random) -> Family:
    """A configuration at random within a family."""
    levels = rng.choice([2, 3])
    groups = rng.choice([4, 8])
    base = rng.choice([16, 32])
    channels = [base * m for m in rng.choice([[1, 2, 2], [1, 1, 2], [1, 2, 4], [1, 1, 1]])[:levels]]
    attention = [rng.random() < 0.7 for _ in range(levels)]
    attention[rng.randrange(levels)] = True
    width = rng.choice([4, 8])
    return Family(
        name=name,
        channels=channels,
        attention=attention,
        depths=[rng.choice([1, 2]) if name == "xl" else 1 for _ in range(levels)],
        blocks=rng.choice([1, 2]),
        heads=rng.choice([2, 4]) if name == "sd1" else width,
        groups=groups,
        sample=rng.choice([8, 16]),
        vae_channels=[base * m for m in rng.choice([[1, 2], [1, 1, 2], [1, 2, 2]])],
        text_width=rng.choice([32, 48]),
        text_layers=rng.choice([2, 3, 4]),
        text_heads=rng.choice([2, 4]),
        text2_width=rng.choice([32, 64]),
        text2_layers=rng.choice([2, 3]),
        time_width=rng.choice([8, 16]),
        projection=rng.choice([16, 24]),
    )


def tokenizer(folder: Path, padding: str) -> CLIPTokenizer:
    """CLIP's byte-pair encoding with a handful of merges."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = list(bytes_to_unicode().values())
    words = letters + [letter + "</w>" for letter in letters]
    words += ["".join(merge.split()) for merge in MERGES] + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({word: index for index, word in enumerate(words)}))
    merges = folder / "merges.txt"
    merges.write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    return CLIPTokenizer(str(vocabulary), str(merges), pad_token=padding, model_max_length=77)


def text_config(tokenizer, width, layers, heads, activation, projection) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=77,
        hidden_act=activation,
        projection_dim=projection,
        bos_token_id=len(tokenizer) - 2,
        eos_token_id=len(tokenizer) - 1,
        pad_token_id=tokenizer.pad_token_id,
    )


def shuffle(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Leaves no parameter at a value that hides a mistake, and rounds all to float16."""
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:
                is_scale = name.endswith("weight")
                parameter.copy_((1.0 if is_scale else 0.0) + 0.1 * noise)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(noise * (1.0 if "embedding" in name else fan_in**-0.5))
            parameter.copy_(parameter.half().float())


def build(family: Family, seed: int, folder: Path):
    """The pipeline of a family, its tokenizers' files in `folder`."""
    generator = torch.Generator("cpu").manual_seed(seed)
    is_xl = family.name == "xl"
    down = ["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in family.attention]
    up = ["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(family.attention)]
    context = family.text_width + family.text2_width if is_xl else family.text_width
    heads = family.heads if family.name == "sd1" else [c // family.heads for c in family.channels]
    extra = {}
    if is_xl:
        extra = dict(
            transformer_layers_per_block=family.depths,
            addition_embed_type="text_time",
            addition_time_embed_dim=family.time_width,
            projection_class_embeddings_input_dim=6 * family.time_width + family.projection,
        )
    unet = UNet2DConditionModel(
        sample_size=family.sample,
        in_channels=family.input_channels,
        out_channels=4,
        down_block_types=down,
        up_block_types=up,
        block_out_channels=family.channels,
        layers_per_block=family.blocks,
        cross_attention_dim=context,
        attention_head_dim=heads,
        norm_num_groups=family.groups,
        use_linear_projection=family.name != "sd1",
        **extra,
    )
    count = len(family.vae_channels)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * count,
        up_block_types=["UpDecoderBlock2D"] * count,
        block_out_channels=family.vae_channels,
        layers_per_block=1,
        norm_num_groups=family.groups,
        sample_size=family.sample << (count - 1),
        scaling_factor=0.13025 if is_xl else 0.18215,
        force_upcast=False,
    )
    first = tokenizer(folder / "tokenizer", "!" if family.name == "sd2" else "<|endoftext|>")
    activation = "gelu" if family.name == "sd2" else "quick_gelu"
    text = CLIPTextModel(
        text_config(first, family.text_width, family.text_layers, family.text_heads, activation, family.projection)
    )
    parts = dict(vae=vae, text_encoder=text, tokenizer=first, unet=unet)
    if is_xl:
        second = tokenizer(folder / "tokenizer_2", "!")
        parts["tokenizer_2"] = second
        parts["text_encoder_2"] = CLIPTextModelWithProjection(
            text_config(second, family.text2_width, family.text2_layers, 4, "gelu", family.projection)
        )
    for name in ["unet", "vae", "text_encoder", "text_encoder_2"]:
        if name in parts:
            shuffle(parts[name], generator)
            parts[name].eval()
    kind, config = SCHEDULERS[family.name]
    scheduler = kind.from_config(config)
    if is_xl:
        return StableDiffusionXLPipeline(scheduler=scheduler, force_zeros_for_empty_prompt=True, **parts)
    return StableDiffusionPipeline(
        scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False, **parts
    )


def save(pipe, folder: Path, family: str, variant=None):
    """A diffusers folder; its scheduler's configuration is the published one, not diffusers' defaults of today."""
    pipe.save_pretrained(folder, variant=variant)
    kind, config = SCHEDULERS[family]
    text = json.dumps({"_class_name": kind.__name__, "_diffusers_version": "0.36.0"} | config, indent=2, sort_keys=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(text + "\n")
    # What was not said is the default of whichever class reads it next.
    pipe.scheduler = kind.from_pretrained(folder / "scheduler")
