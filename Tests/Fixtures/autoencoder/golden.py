"""What diffusers makes of an autoencoder's folder, for `moonlit verify` (see README.md).

    python golden.py FOLDER GOLDEN [--seed 0]

Versions: requirements.txt.
"""

import argparse
import json
import os

import torch as th
from diffusers import AutoencoderKL, VQModel
from safetensors.torch import save_file


@th.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("golden")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with open(os.path.join(arguments.folder, "config.json")) as file:
        kind = {"AutoencoderKL": AutoencoderKL, "VQModel": VQModel}[json.load(file)["_class_name"]]
    model, said = kind.from_pretrained(arguments.folder, output_loading_info=True)
    assert not any(said[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), said
    generator = th.Generator().manual_seed(arguments.seed)
    side = model.config.sample_size
    image = th.rand(2, model.config.in_channels, side, side, generator=generator) * 2 - 1
    out = {"vae.image": image}
    if kind is AutoencoderKL:
        out["vae.mean"] = latents = model.encode(image).latent_dist.mean
    else:
        out["vae.mean"] = latents = model.encode(image).latents
    out["vae.latents"] = latents.clone()
    out["vae.decoded"] = model.decode(latents).sample
    save_file({k: v.contiguous() for k, v in out.items()}, arguments.golden)
    print(f"{kind.__name__}, scaling factor {model.config.scaling_factor}, latents' deviation {latents.std().item():.4f}")


if __name__ == "__main__":
    main()
