"""What diffusers and transformers compute with a pipeline, under the names that `moonlit verify` reads, and more."""

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    UniPCMultistepScheduler,
)

PROMPT = "A house next to a lake, the Moon above"
NEGATIVE = "fog"
GUIDANCE = 5.0
STEPS = 8
SAMPLERS = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpm++2m": DPMSolverMultistepScheduler,
    "pndm": PNDMScheduler,
    "unipc": UniPCMultistepScheduler,
    "heun": HeunDiscreteScheduler,
}


def scheduler(name, config):
    if name == "pndm":
        return PNDMScheduler.from_config(config, skip_prk_steps=True)
    return SAMPLERS[name].from_config(config)


def text_states(pipe, prompt):
    """ids, what the U-Net reads, what is pooled: of each tower."""
    is_xl = hasattr(pipe, "text_encoder_2")
    towers = [("text_encoder", pipe.tokenizer, pipe.text_encoder)]
    if is_xl:
        towers.append(("text_encoder_2", pipe.tokenizer_2, pipe.text_encoder_2))
    result = {}
    for name, tokenizer, tower in towers:
        ids = tokenizer(
            prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        ).input_ids
        output = tower(ids, output_hidden_states=True)
        result[f"{name}.input_ids"] = ids
        result[f"{name}.last_hidden_state"] = output.hidden_states[-2] if is_xl else output.last_hidden_state
        pooled = output.text_embeds if name == "text_encoder_2" else output.pooler_output
        result[f"{name}.pooled"] = pooled
    return result


@torch.no_grad()
def parts(pipe, seed):
    """Inputs and outputs of every part."""
    g = torch.Generator("cpu").manual_seed(seed)
    config = pipe.unet.config
    size = config.sample_size
    n = 2
    result = text_states(pipe, [PROMPT, "lake"])
    x = torch.randn(n, config.in_channels, size, size, generator=g)
    t = torch.tensor([981, 401])
    states = torch.randn(n, 77, config.cross_attention_dim, generator=g)
    extra = {}
    if config.addition_embed_type == "text_time":
        text_embeds = torch.randn(n, pipe.text_encoder_2.config.projection_dim, generator=g)
        time_ids = torch.tensor([[size * 2, size * 2, 0, 4, size, size]] * n).float()
        result |= {"unet.text_embeds": text_embeds, "unet.time_ids": time_ids}
        extra = {"added_cond_kwargs": {"text_embeds": text_embeds, "time_ids": time_ids}}
    result |= {"unet.sample": x, "unet.timestep": t, "unet.encoder_hidden_states": states}
    result["unet.output"] = pipe.unet(x, t, encoder_hidden_states=states, **extra).sample
    latents = torch.randn(1, 4, size, size, generator=g)
    image = torch.rand(1, 3, size * pipe.vae_scale_factor, size * pipe.vae_scale_factor, generator=g) * 2 - 1
    result |= {"vae.latents": latents, "vae.decoded": pipe.vae.decode(latents).sample}
    result |= {"vae.image": image, "vae.mean": pipe.vae.encode(image).latent_dist.mean}
    return result


def picture(seed, size):
    """A picture [3, H, W] and a mask [1, H, W], of whole bytes."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3))
    image = np.kron(coarse, np.ones((size // 4, size // 4, 1))).astype(np.uint8)
    image += rng.integers(0, 8, image.shape).astype(np.uint8) * (image < 240)
    mask = np.zeros((size, size), np.uint8)
    mask[size // 4 : size // 4 * 3, size // 4 :] = 255
    return image, mask


def call(pipe, **arguments):
    pipe.set_progress_bar_config(disable=True)
    return pipe(
        prompt=PROMPT, negative_prompt=NEGATIVE, guidance_scale=GUIDANCE, output_type="latent", **arguments
    ).images


@torch.no_grad()
def pipelines(pipe, seed, samplers=SAMPLERS, steps=STEPS):
    """Final latents of whole guided pipelines; the first noise is what the seed gives."""
    size = pipe.unet.config.sample_size
    own = pipe.scheduler
    config = own.config
    noise = torch.randn(1, 4, size, size, generator=torch.Generator("cpu").manual_seed(seed))
    result = {"initial_noise": noise}
    for name in samplers:
        pipe.scheduler = scheduler(name, config)
        result[f"text2image.{name}"] = call(
            pipe, num_inference_steps=steps, latents=noise, height=size * pipe.vae_scale_factor,
            width=size * pipe.vae_scale_factor,
        )
    pipe.scheduler = own
    return result


@torch.no_grad()
def edits(pipe, seed, samplers=("ddim", "euler", "dpm++2m"), only=("image2image", "inpaint")):
    """Pictures from pictures, noise and posteriors drawn from the seed."""
    is_xl = hasattr(pipe, "text_encoder_2")
    config = pipe.scheduler.config
    size = pipe.unet.config.sample_size * pipe.vae_scale_factor
    image, mask = picture(seed, size)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    hole = torch.from_numpy(mask)[None, None].float() / 255
    result = {"image": torch.from_numpy(image), "mask": torch.from_numpy(mask)}
    kinds = {
        "image2image": StableDiffusionXLImg2ImgPipeline if is_xl else StableDiffusionImg2ImgPipeline,
        "inpaint": StableDiffusionXLInpaintPipeline if is_xl else StableDiffusionInpaintPipeline,
    }
    for kind, build in kinds.items():
        if kind not in only:
            continue
        other = build.from_pipe(pipe)
        for name in samplers:
            other.scheduler = scheduler(name, config)
            extra = dict(mask_image=hole, height=size, width=size) if kind == "inpaint" else {}
            # The XL pipelines' own denoising strengths differ; both are given.
            result[f"{kind}.{name}"] = call(
                other, image=(pixels + 1) / 2, strength=0.6, num_inference_steps=10,
                generator=torch.Generator("cpu").manual_seed(seed), **extra,
            )
            if kind == "inpaint":
                result[f"{kind}.full.{name}"] = call(
                    other, image=(pixels + 1) / 2, strength=1.0, num_inference_steps=STEPS,
                    generator=torch.Generator("cpu").manual_seed(seed), **extra,
                )
    return result


INVERSION = "a <moon> over the lake"


def low_rank(pipe, seed, rank=2):
    """Random changes to some modules: module of diffusers -> (part, down, up)."""
    generator = torch.Generator("cpu").manual_seed(seed)
    result = {}
    wanted = {
        "unet": ["attn1.to_q", "attn2.to_v", "attn2.to_out.0", "ff.net.0.proj", "proj_in", "conv1"],
        "text_encoder": ["q_proj", "fc1"],
        "text_encoder_2": ["v_proj", "fc2"],
    }
    for part, endings in wanted.items():
        network = getattr(pipe, part, None)
        if network is None:
            continue
        for name, module in network.named_modules():
            is_kind = isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))
            if not is_kind or not any(name.endswith(ending) for ending in endings):
                continue
            weight = module.weight
            down = torch.randn(rank, *weight.shape[1:], generator=generator) * 0.3
            up = torch.randn(weight.shape[0], rank, *[1] * (weight.ndim - 2), generator=generator) * 0.3
            result[f"{part}.{name}"] = (part, name, down.half().float(), up.half().float())
    return result


def kohya(changes, is_pair):
    prefixes = {"unet": "lora_unet", "text_encoder": "lora_te1" if is_pair else "lora_te", "text_encoder_2": "lora_te2"}
    state = {}
    for part, name, down, up in changes.values():
        module = f"{prefixes[part]}_{name.replace('.', '_')}"
        state |= {f"{module}.lora_down.weight": down, f"{module}.lora_up.weight": up}
        state[f"{module}.alpha"] = torch.tensor(1.0)
    return state


def peft(changes):
    state = {}
    for module, (_, _, down, up) in changes.items():
        state |= {f"{module}.lora_A.weight": down, f"{module}.lora_B.weight": up}
    return state


@torch.no_grad()
def additions(pipe, seed, folder, name):
    """A LoRA in two forms and a textual inversion, their files written, and what DDIM draws with each at 0.7."""
    from safetensors.torch import save_file

    is_pair = hasattr(pipe, "text_encoder_2")
    config = pipe.scheduler.config
    size = pipe.unet.config.sample_size * pipe.vae_scale_factor
    own = pipe.scheduler
    pipe.scheduler = scheduler("ddim", config)

    def draw(prompt=PROMPT):
        pipe.set_progress_bar_config(disable=True)
        return pipe(
            prompt=prompt, negative_prompt=NEGATIVE, guidance_scale=GUIDANCE, output_type="latent", height=size,
            width=size, num_inference_steps=STEPS, generator=torch.Generator("cpu").manual_seed(seed),
        ).images

    result = {"plain": draw()}
    changes = low_rank(pipe, seed)
    # A change to a module is scale * alpha / rank * up * down: alpha is 1 of rank 2 in kohya's form, the rank in PEFT's.
    for kind, factor in [("kohya", 0.7 * 0.5), ("peft", 0.7)]:
        state = kohya(changes, is_pair) if kind == "kohya" else peft(changes)
        save_file({k: v.half().contiguous() for k, v in state.items()}, folder / f"{name}.{kind}.safetensors")
        kept = {}
        for part, module, down, up in changes.values():
            weight = getattr(pipe, part).get_submodule(module).weight
            kept[part, module] = weight.clone()
            weight += factor * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
        result[kind] = draw()
        if kind == "peft":
            for (part, module), value in kept.items():
                getattr(pipe, part).get_submodule(module).weight.copy_(value)
            pipe.load_lora_weights(str(folder), weight_name=f"{name}.{kind}.safetensors", adapter_name="it")
            pipe.set_adapters(["it"], [0.7])
            theirs = draw()
            assert (theirs - result[kind]).norm() / theirs.norm() < 1e-4, (theirs - result[kind]).norm() / theirs.norm()
            pipe.unload_lora_weights()
        for (part, module), value in kept.items():
            getattr(pipe, part).get_submodule(module).weight.copy_(value)
    generator = torch.Generator("cpu").manual_seed(seed)
    towers = [("clip_l", pipe.text_encoder, pipe.tokenizer)]
    if is_pair:
        towers.append(("clip_g", pipe.text_encoder_2, pipe.tokenizer_2))
    learned = {}
    for key, tower, tokenizer in towers:
        rows = torch.randn(2, tower.config.hidden_size, generator=generator).half().float()
        learned[key] = rows
        pipe.load_textual_inversion(rows, token="<moon>", text_encoder=tower, tokenizer=tokenizer)
    if not is_pair:
        learned = {"<moon>": learned["clip_l"]}
    save_file({k: v.contiguous() for k, v in learned.items()}, folder / f"{name}.inversion.safetensors")
    result["inversion"] = draw(INVERSION if not is_pair else INVERSION)
    pipe.scheduler = own
    return result
