"""Holds `moonlit` against diffusers on a latent model's folder that Moonlit wrote (see README.md).

    python check_written.py PROGRAM FOLDER [--prompt TEXT] [--steps 8]

diffusers loads the folder with `StableDiffusionPipeline.from_pretrained` and draws guided latents of a prompt from a given
first noise; Moonlit draws them too. Exit status 1 where the relative L2 distance of a sampler is over 1e-3, or where
weights are missing or left over. Versions: requirements.txt.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

SAMPLERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "dpm++2m": DPMSolverMultistepScheduler}
LIMIT = 1e-3


def nothing_is_wrong(folder):
    for part, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL), ("text_encoder", CLIPTextModel)):
        _, said = kind.from_pretrained(folder, subfolder=part, output_loading_info=True)
        wrong = {k: v for k, v in said.items() if k in ("missing_keys", "unexpected_keys", "mismatched_keys") and v}
        if wrong:
            raise SystemExit(f"{part}: {wrong}")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--prompt", default="a house next to a lake in moonlight")
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    nothing_is_wrong(options.folder)
    pipe = StableDiffusionPipeline.from_pretrained(options.folder)
    pipe.set_progress_bar_config(disable=True)
    side = pipe.unet.config.sample_size
    noise = torch.randn(1, pipe.unet.config.in_channels, side, side, generator=torch.Generator().manual_seed(1))
    failed = False
    own = pipe.scheduler.config
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        save_file({"latents": noise}, scratch / "noise.safetensors")
        for name, kind in SAMPLERS.items():
            pipe.scheduler = kind.from_config(own)
            size = side * pipe.vae_scale_factor
            expected = pipe(
                options.prompt, negative_prompt="fog", guidance_scale=3.0, num_inference_steps=options.steps, latents=noise,
                height=size, width=size, output_type="latent",
            ).images
            subprocess.run(
                [options.program, "generate", options.prompt, "--negative-prompt", "fog", "--guidance-scale", "3",
                 "--model", options.folder, "--prompt-syntax", "plain", "--steps", str(options.steps), "--sampler", name,
                 "--initial-noise", scratch / "noise.safetensors", "--save-latents", scratch / "out.safetensors",
                 "-o", scratch / "out.png", "--quiet"],
                check=True)  # fmt: skip
            found = load_file(scratch / "out.safetensors")["latents"]
            error = float((found.double() - expected.double()).norm() / expected.double().norm())
            failed |= not error <= LIMIT
            print(f"{name}: relative L2 {error:.1e}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
