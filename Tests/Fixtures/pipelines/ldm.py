"""A small random latent diffusion model in the layout of diffusers' LDMTextToImagePipeline (folders `bert` and `vqvae`),
and the latents that pipeline draws.

    python ldm.py
"""

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, LDMTextToImagePipeline, PNDMScheduler, UNet2DConditionModel
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import LDMBertConfig, LDMBertModel
from safetensors.torch import save_file
from transformers import BertTokenizer

import models

HERE = Path(__file__).resolve().parent
PROMPT, GUIDANCE, STEPS, SEED = "a house next to a lake in moonlight", 5.0, 8, 44
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "house", "next", "to", "lake", "in", "moon", "##light", "fog"]
# As the scheduler_config.json of CompVis/ldm-text2im-large-256 has it.
BETAS = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, clip_sample=False)


def build(folder):
    generator = torch.Generator("cpu").manual_seed(9)
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = BertTokenizer(str(folder / "tokenizer" / "vocab.txt"), model_max_length=77)
    bert = LDMBertModel(LDMBertConfig(
        vocab_size=len(WORDS), max_position_embeddings=77, encoder_layers=2, encoder_ffn_dim=64,
        encoder_attention_heads=8, head_dim=64, d_model=16))
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], block_out_channels=[8, 16], layers_per_block=1,
        cross_attention_dim=16, attention_head_dim=2, norm_num_groups=4)
    # The pipeline takes an eighth of the picture's side, whatever the autoencoder.
    vqvae = AutoencoderKL(
        latent_channels=4, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[4, 4, 8, 8], layers_per_block=1, norm_num_groups=4, sample_size=64)
    for part in [bert, unet, vqvae]:
        models.shuffle(part, generator)
        part.eval()
    return LDMTextToImagePipeline(
        vqvae=vqvae, bert=bert, tokenizer=tokenizer, unet=unet,
        scheduler=DDIMScheduler(**BETAS, set_alpha_to_one=False))


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    folder = HERE / "ldm"
    shutil.rmtree(folder, ignore_errors=True)
    pipe = build(folder)
    pipe.save_pretrained(folder)
    for file in folder.rglob("*.safetensors"):
        from safetensors.torch import load_file

        save_file({k: v.half() for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator("cpu").manual_seed(SEED))
    result = {"initial_noise": noise}
    decode, config = pipe.vqvae.decode, pipe.scheduler.config
    for name, kind in [("ddim", DDIMScheduler), ("pndm", PNDMScheduler)]:
        pipe.scheduler = kind.from_config(config, **({"skip_prk_steps": True} if name == "pndm" else {}))

        def keep(latents, name=name):
            result[f"text2image.{name}"] = (latents * pipe.vqvae.config.scaling_factor).clone()
            return decode(latents)

        pipe.vqvae.decode = keep
        pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, latents=noise, output_type="np")
    metadata = {
        "prompt": PROMPT, "negative_prompt": "", "guidance_scale": str(GUIDANCE), "steps": str(STEPS), "seed": str(SEED)}
    save_file({k: v.contiguous() for k, v in result.items()}, HERE / "ldm.pipelines.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
