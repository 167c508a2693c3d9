"""The peer of `moonlit bench unet`: one guided call of Stable Diffusion 1.5's U-Net in diffusers.

    python unet_peer.py MODEL --make          writes the model, with random weights, and an answer to compare with
    python unet_peer.py MODEL [--channels-last]

Prints one JSON object.
"""

import argparse
import json
import os
import resource
import statistics
import time

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--make", action="store_true")
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--repeat", type=int, default=2)
options = parser.parse_args()

import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import save_file

torch.set_grad_enabled(False)
torch.set_num_threads(options.threads)


def inputs():
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, 4, 64, 64, generator=generator),
        torch.tensor([500, 500]),
        torch.randn(2, 77, 768, generator=generator),
    )


def make(folder):
    """The U-Net in full size; the text tower and the autoencoder, which are not timed, as small as may be."""
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=64, cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280)
    ).eval()
    unet.save_pretrained(f"{folder}/unet")
    AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[32] * 4, layers_per_block=2, latent_channels=4, sample_size=512,
    ).save_pretrained(f"{folder}/vae")
    CLIPTextModel(
        CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=1, num_attention_heads=12)
    ).save_pretrained(f"{folder}/text_encoder")
    PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True,
        set_alpha_to_one=False, steps_offset=1,
    ).save_pretrained(f"{folder}/scheduler")
    x, t, text = inputs()
    tensors = {"sample": x, "timestep": t, "encoder_hidden_states": text, "output": unet(x, t, text).sample}
    save_file({f"unet.{name}": value.contiguous() for name, value in tensors.items()}, f"{folder}/golden.safetensors")
    classes = {
        "scheduler": ("diffusers", "PNDMScheduler"), "text_encoder": ("transformers", "CLIPTextModel"),
        "tokenizer": ("transformers", "CLIPTokenizer"), "unet": ("diffusers", "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
    }
    # The index last: a folder without it is no model yet.
    with open(f"{folder}/model_index.json", "w") as file:
        json.dump({"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.36.0", **classes}, file)


if options.make:
    os.makedirs(options.model, exist_ok=True)
    make(options.model)
else:
    unet = UNet2DConditionModel.from_pretrained(f"{options.model}/unet").eval()
    x, t, text = inputs()
    if options.channels_last:
        unet, x = unet.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    seconds = []
    for call in range(options.repeat + 1):
        start = time.perf_counter()
        unet(x, t, text)
        seconds.append(time.perf_counter() - start)
    timed = seconds[1:]
    print(
        json.dumps(
            {
                "step_seconds_minimum": min(timed),
                "step_seconds_median": statistics.median(timed),
                "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )
