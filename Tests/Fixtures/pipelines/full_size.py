"""Stable Diffusion at its published sizes with random weights: what one guided step and the decoder take.

    python full_size.py make FOLDER sd1|sd2|xl      # a diffusers folder, float16, 2 to 7 GB
    python full_size.py run FOLDER SIDE DTYPE       # diffusers: load, one guided step, decode; time and peak memory
    python full_size.py ours MOONLIT FOLDER SIDE DTYPE   # the same by `moonlit generate`

DTYPE is float32 or bfloat16.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import models

UNET = dict(sample_size=64, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2)
CROSS, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"
DOWN = (CROSS, CROSS, CROSS, PLAIN)
UP = ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")
SIZES = {
    "sd1": dict(UNET, down_block_types=DOWN, up_block_types=UP, cross_attention_dim=768, attention_head_dim=8),
    "sd2": dict(
        UNET, sample_size=96, down_block_types=DOWN, up_block_types=UP, cross_attention_dim=1024,
        attention_head_dim=[5, 10, 20, 20], use_linear_projection=True),
    "xl": dict(
        UNET, sample_size=128, block_out_channels=(320, 640, 1280), down_block_types=(PLAIN, CROSS, CROSS),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=2048,
        attention_head_dim=[5, 10, 20], use_linear_projection=True, transformer_layers_per_block=[1, 2, 10],
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816),
}
LARGE = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, hidden_act="quick_gelu")
HUGE = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16, hidden_act="gelu")
BIG_G = dict(
    hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, hidden_act="gelu",
    projection_dim=1280)


def make(folder, name):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    folder = Path(folder)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)

    def save(module, part):
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, parameter[0].numel() ** -0.5)
        module.save_pretrained(folder / part)

    vocabulary = len(models.tokenizer(folder / "scratch", "!"))
    first = HUGE if name == "sd2" else LARGE
    tokens = dict(vocab_size=49408, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1)
    index = {"_class_name": "StableDiffusionXLPipeline" if name == "xl" else "StableDiffusionPipeline",
             "_diffusers_version": "0.36.0", "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"],
             "tokenizer": ["transformers", "CLIPTokenizer"],
             "scheduler": ["diffusers", models.SCHEDULERS[name][0].__name__]}
    save(CLIPTextModel(CLIPTextConfig(**first, **tokens)), "text_encoder")
    models.tokenizer(folder / "tokenizer", "!").save_pretrained(folder / "tokenizer")
    if name == "xl":
        save(CLIPTextModelWithProjection(CLIPTextConfig(**BIG_G, **tokens)), "text_encoder_2")
        models.tokenizer(folder / "tokenizer_2", "!").save_pretrained(folder / "tokenizer_2")
        index |= {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
                  "tokenizer_2": ["transformers", "CLIPTokenizer"], "force_zeros_for_empty_prompt": True}
    else:
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}
    save(
        AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
            block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4, sample_size=512,
            force_upcast=False, scaling_factor=0.13025 if name == "xl" else 0.18215), "vae")
    save(UNet2DConditionModel(**SIZES[name]), "unet")
    kind, config = models.SCHEDULERS[name]
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps({"_class_name": kind.__name__} | config))
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))


def run(folder, side, dtype):
    from diffusers import DDIMScheduler, DiffusionPipeline

    start = time.time()
    pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    loaded = time.time()
    side = int(side)
    pipe("lake", num_inference_steps=1, height=side, width=side, generator=torch.Generator().manual_seed(1))
    report(f"diffusers {dtype} {side}: loaded in {loaded - start:.1f} s, drawn in {time.time() - loaded:.1f} s", resource.RUSAGE_SELF)


def ours(moonlit, folder, side, dtype):
    start = time.time()
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [moonlit, "generate", "lake", "--model", folder, "--steps", "1", "--sampler", "ddim", "--seed", "1", "--quiet",
             "--width", side, "--height", side, "--dtype", dtype, "-o", f"{out}/lake.png"], check=True)
    report(f"moonlit {dtype} {side}: {time.time() - start:.1f} s", resource.RUSAGE_CHILDREN)


def report(text, who):
    print(f"{text}, peak {resource.getrusage(who).ru_maxrss / 1e6:.2f} GB", flush=True)


if __name__ == "__main__":
    {"make": make, "run": run, "ours": ours}[sys.argv[1]](*sys.argv[2:])
