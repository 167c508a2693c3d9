"""Where the words of a prompt speak, by DAAM (Tang et al. 2023), in the small models that generate.py wrote.

    pip install --no-deps daam==0.2.0
    python heat.py
"""

import sys
import types
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

import golden

# DAAM imports these for plots and for grammar, which are not asked for here.
for name in ["matplotlib", "matplotlib.pyplot", "spacy", "spacy.tokens"]:
    sys.modules[name] = types.ModuleType(name)
sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
sys.modules["spacy"].tokens = sys.modules["spacy.tokens"]
sys.modules["spacy"].Language = sys.modules["spacy.tokens"].Token = sys.modules["spacy.tokens"].Doc = object

from daam.heatmap import RawHeatMapCollection  # noqa: E402
from daam.hook import UNetCrossAttentionLocator  # noqa: E402
from daam.trace import DiffusionHeatMapHooker, UNetCrossAttentionHooker  # noqa: E402

HERE = Path(__file__).resolve().parent


@torch.no_grad()
def heat(name, kind, seed):
    pipe = kind.from_pretrained(HERE / name, torch_dtype=torch.float32)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    side = pipe.unet.config.sample_size
    trace = types.SimpleNamespace(
        all_heat_maps=RawHeatMapCollection(), _gen_idx=0, last_prompt=golden.PROMPT, latent_hw=side * side, pipe=pipe)
    blocks = UNetCrossAttentionLocator(locate_middle_block=True).locate(pipe.unet)
    for index, block in enumerate(blocks):
        UNetCrossAttentionHooker(block, trace, layer_idx=index, latent_hw=side * side).hook()
    noise = torch.randn(1, 4, side, side, generator=torch.Generator("cpu").manual_seed(seed))
    pipe(
        golden.PROMPT, num_inference_steps=golden.STEPS, guidance_scale=golden.GUIDANCE, latents=noise,
        height=side * pipe.vae_scale_factor, width=side * pipe.vae_scale_factor, output_type="latent")
    return DiffusionHeatMapHooker.compute_global_heat_map(trace).heat_maps


def main():
    torch.set_num_threads(1)
    found = {}
    for seed, (name, kind) in enumerate([("sd1", StableDiffusionPipeline), ("xl", StableDiffusionXLPipeline)]):
        found[name] = heat(name, kind, 60 + seed).contiguous()
        print(name, tuple(found[name].shape), found[name].mean(dim=(1, 2)))
    metadata = {"prompt": golden.PROMPT, "guidance_scale": str(golden.GUIDANCE), "steps": str(golden.STEPS), "seed": "60"}
    save_file(found, HERE / "heat.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
