"""The same networks as their authors wrote them: CompVis' latent-diffusion and Stability's generative-models, and what
diffusers' converter calls their parameters."""

import os
import sys
import types
from unittest import mock

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from safetensors.torch import save_file

PREFIX = "model.diffusion_model."


def save(tensors, path, metadata):
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata=metadata)


def ldm_class(checkout):
    sys.path.insert(0, checkout)
    # Asked for only where a context's width could be one of OmegaConf's lists.
    for name in ("omegaconf", "omegaconf.listconfig"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["omegaconf.listconfig"].ListConfig = type("ListConfig", (), {})
    from ldm.modules.diffusionmodules.openaimodel import UNetModel

    return UNetModel


def sgm_class(checkout):
    # The package's own __init__ files import the whole of it.
    for name in ("sgm", "sgm.modules", "sgm.modules.diffusionmodules", "sgm.modules.encoders"):
        module = types.ModuleType(name)
        module.__path__ = [os.path.join(checkout, *name.split("."))]
        sys.modules[name] = module
    import warnings

    warnings.simplefilter("ignore")
    from sgm.modules.diffusionmodules.openaimodel import UNetModel

    return UNetModel


def convert(state, config):
    return convert_ldm_unet_checkpoint({PREFIX + k: v for k, v in state.items()}, config)


# The 1.4-billion model's text2img configuration (configs/latent-diffusion/txt2img-1p4B-eval.yaml), small.
SMALL_LDM = dict(
    image_size=32, in_channels=4, out_channels=4, model_channels=32, attention_resolutions=[2], num_res_blocks=1,
    channel_mult=[1, 1], num_heads=8, use_spatial_transformer=True, transformer_depth=1, context_dim=24, legacy=False,
)
LDM_IN_DIFFUSERS = dict(
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"], up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"],
    block_out_channels=[32, 32], layers_per_block=1, attention_head_dim=8, cross_attention_dim=24,
)


def latent_diffusion(checkout, path, randomise, relative):
    """CompVis' own network, under its own names; diffusers' computes the same with the converted weights."""
    generator = torch.Generator().manual_seed(100)
    model = ldm_class(checkout)(**SMALL_LDM).eval()
    randomise(model, generator)
    x = torch.randn(2, 4, 8, 12, generator=generator)
    timesteps, text = torch.tensor([981, 1]), torch.randn(2, 7, 24, generator=generator)
    tensors = {f"weights.{k}": v.half() for k, v in model.state_dict().items()}
    with torch.no_grad():
        output = model(x, timesteps, text)
        other = UNet2DConditionModel(**LDM_IN_DIFFUSERS).eval()
        other.load_state_dict(convert(model.state_dict(), other.config))
        theirs = other(x, timesteps, text).sample
        # It casts to float32 here and there; the cast is turned off.
        model.dtype = torch.float64
        with mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
            double = model.double()(x.double(), timesteps, text.double())
    assert relative(theirs, output) < 1e-5
    metadata = {"reference_float32_error": f"{relative(output, double):.3g}", "seed": "100"}
    values = {"x": x, "timesteps": timesteps, "text": text, "output": output}
    save(tensors | values, path, metadata)
    print("ldm", metadata["reference_float32_error"], "diffusers", relative(theirs, output))


def same_network(checkout, randomise, relative):
    """Stability's network of XL's kind and diffusers' with the converted weights are the same one."""
    common = dict(
        in_channels=4, out_channels=4, model_channels=32, attention_resolutions=[2, 4], num_res_blocks=1,
        channel_mult=[1, 2, 2], num_head_channels=16, use_linear_in_transformer=True, transformer_depth=[1, 2, 3],
        context_dim=24, num_classes="sequential", adm_in_channels=20 + 6 * 8,
    )
    theirs = UNet2DConditionModel(
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], block_out_channels=[32, 64, 64],
        layers_per_block=1, attention_head_dim=[2, 4, 4], transformer_layers_per_block=[1, 2, 3],
        cross_attention_dim=24, use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=20 + 6 * 8,
    ).eval()
    generator = torch.Generator().manual_seed(200)
    model = sgm_class(checkout)(**common).eval()
    randomise(model, generator)
    theirs.load_state_dict(convert(model.state_dict(), theirs.config))
    x, text = torch.randn(2, 4, 8, 8, generator=generator), torch.randn(2, 5, 24, generator=generator)
    pooled, timesteps = torch.randn(2, 20, generator=generator), torch.tensor([981, 1])
    sizes = torch.tensor([[64.0, 64, 0, 0, 64, 64], [32, 48, 5, 7, 64, 96]])
    added = torch.cat([pooled, theirs.add_time_proj(sizes.flatten()).reshape(2, -1)], dim=1)
    with torch.no_grad():
        ours = model(x, timesteps, context=text, y=added)
        output = theirs(x, timesteps, text, added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes}).sample
    error = relative(output, ours)
    assert error < 1e-5, error
    print("generative-models and diffusers", error)


# As published: CompVis' and Stability's configuration files.
FULL = {
    "sd1": dict(
        attention_resolutions=[4, 2, 1], channel_mult=[1, 2, 4, 4], num_heads=8, use_spatial_transformer=True,
        context_dim=768, legacy=False, image_size=32,
    ),
    "ldm": dict(
        attention_resolutions=[4, 2, 1], channel_mult=[1, 2, 4, 4], num_heads=8, use_spatial_transformer=True,
        context_dim=1280, legacy=False, image_size=32,
    ),
    "sd2": dict(
        attention_resolutions=[4, 2, 1], channel_mult=[1, 2, 4, 4], num_head_channels=64,
        use_linear_in_transformer=True, context_dim=1024,
    ),
    "xl": dict(
        attention_resolutions=[4, 2], channel_mult=[1, 2, 4], num_head_channels=64, use_linear_in_transformer=True,
        transformer_depth=[1, 2, 10], context_dim=2048, num_classes="sequential", adm_in_channels=2816,
    ),
    "refiner": dict(
        attention_resolutions=[4, 2], channel_mult=[1, 2, 4, 4], num_head_channels=64, model_channels=384,
        use_linear_in_transformer=True, transformer_depth=4, context_dim=[1280] * 4, num_classes="sequential",
        adm_in_channels=2560,
    ),
}


# Families whose parameters have the same names stand in one file.
FILES = {"sd": ["sd1", "ldm", "sd2"], "xl": ["xl"], "refiner": ["refiner"]}


def published(ldm, sgm, folder):
    """names.FILE.tsv: of every parameter at full size, the authors' name, diffusers' name, and the shape by family."""
    for name, families in FILES.items():
        names, shapes = zip(*(full_size(family, ldm, sgm) for family in families))
        assert all(n == names[0] for n in names)
        with open(os.path.join(folder, f"names.{name}.tsv"), "w") as file:
            file.write("\t".join(["lineage", "diffusers", *families]) + "\n")
            for ours, theirs in names[0].items():
                file.write("\t".join([ours, theirs, *(",".join(map(str, s[ours])) for s in shapes)]) + "\n")


def full_size(family, ldm, sgm):
    """({authors' name: diffusers' name}, {authors' name: shape})."""
    config = dict(in_channels=4, out_channels=4, model_channels=320, num_res_blocks=2) | FULL[family]
    cls = ldm_class(ldm) if "use_spatial_transformer" in config else sgm_class(sgm)
    with torch.device("meta"):
        state = cls(**config).state_dict()
    # Each parameter is followed through the converter by its own name.
    added = "text_time" if "adm_in_channels" in config else None
    converted = convert({name: name for name in state}, {"layers_per_block": 2, "addition_embed_type": added})
    theirs = {ours: key for key, ours in converted.items()}
    assert theirs.keys() == state.keys(), theirs.keys() ^ state.keys()
    print(family, len(state), "parameters,", sum(v.numel() for v in state.values()), "numbers")
    return {name: theirs[name] for name in state}, {name: value.shape for name, value in state.items()}
