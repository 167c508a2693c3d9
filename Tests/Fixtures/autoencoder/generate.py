"""Golden values of small random autoencoders (see README.md).

    python generate.py --latent-diffusion LATENT-DIFFUSION-CHECKOUT --taming TAMING-TRANSFORMERS-CHECKOUT

Versions: requirements.txt.
"""

import argparse
import copy
import importlib
import os
import sys
import types

import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import randomise, relative_l2, save, source_hashes  # noqa: E402


def picture(*shape, seed):
    return th.rand(shape, generator=th.Generator().manual_seed(seed)) * 2 - 1


def normal(*shape, seed):
    return th.randn(shape, generator=th.Generator().manual_seed(seed))


def weights(model):
    """Held exactly by float16."""
    return {f"weights.{k}": v.half() for k, v in model.state_dict().items()}


def float32_error(model, latents, decode):
    """How far the reference is from itself in double precision."""
    return relative_l2(decode(model, latents), decode(copy.deepcopy(model).double(), latents.double()))


def check_margins(latents, codes):
    """No pixel may lie so near the middle of two codes that rounding chooses."""
    pixels = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1]).double()
    nearest = th.cdist(pixels, codes.double()).topk(2, largest=False).values
    margin = (nearest[:, 1] - nearest[:, 0]).min().item()
    if margin < 1e-4:
        raise SystemExit(f"two codes are within {margin} of each other: take another seed")


# diffusers


def kinds(levels, attention=()):
    return dict(
        down_block_types=["AttnDownEncoderBlock2D" if i in attention else "DownEncoderBlock2D" for i in range(levels)],
        up_block_types=["AttnUpDecoderBlock2D" if i in attention else "UpDecoderBlock2D" for i in range(levels)][::-1],
    )


# Stable Diffusion's form, and one with all that newer autoencoders leave out. `sample_size` makes tiles of 4 latents.
KL = {
    "kl": dict(
        block_out_channels=[8, 16, 16, 24],
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=32,
        scaling_factor=0.18215,
        **kinds(4),
    ),
    "kl-bare": dict(
        block_out_channels=[12, 12, 20],
        layers_per_block=1,
        latent_channels=3,
        norm_num_groups=4,
        sample_size=32,
        scaling_factor=0.13025,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
        **kinds(3),
    ),
}


def kl(name, config, seed):
    from diffusers import AutoencoderKL

    model = AutoencoderKL(**config).eval()
    randomise(model, seed, half=True)
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    c = config["latent_channels"]
    out = weights(model)
    out["image"] = picture(2, 3, 5 * factor, 7 * factor, seed=seed + 1)
    posterior = model.encode(out["image"]).latent_dist
    out["mean"], out["log_variance"] = posterior.mean, posterior.logvar
    out["sample"] = posterior.sample(th.Generator().manual_seed(7))
    out["divergence"] = posterior.kl()
    # Sides that the factor does not divide.
    out["odd_image"] = picture(1, 3, 5 * factor + factor // 2 + 1, 8 * factor + factor - 1, seed=seed + 2)
    out["odd_mean"] = model.encode(out["odd_image"]).latent_dist.mean
    out["latents"] = normal(2, c, 5, 7, seed=seed + 3)
    out["decoded"] = model.decode(out["latents"]).sample
    error = float32_error(model, out["latents"], lambda m, z: m.decode(z).sample)

    model.enable_tiling()
    tile = model.tile_latent_min_size
    # The last tiles are one latent wide, and two high.
    out["large_latents"] = normal(1, c, 2 * tile, 3 * tile - 2, seed=seed + 4)
    out["tiled_decoded"] = model.decode(out["large_latents"]).sample
    # One side fits, the other does not.
    out["long_latents"] = normal(1, c, tile - 1, 2 * tile + 1, seed=seed + 5)
    out["long_decoded"] = model.decode(out["long_latents"]).sample
    out["large_image"] = picture(1, 3, (2 * tile - 1) * factor, 3 * tile * factor, seed=seed + 6)
    posterior = model.encode(out["large_image"]).latent_dist
    out["tiled_mean"], out["tiled_log_variance"] = posterior.mean, posterior.logvar
    save_all(name, out, dict(reference="diffusers", config=dict(model.config), reference_float32_error=error))


def vq(name, seed):
    from diffusers import VQModel

    config = dict(
        block_out_channels=[8, 8, 16],
        layers_per_block=1,
        latent_channels=3,
        vq_embed_dim=4,
        num_vq_embeddings=24,
        norm_num_groups=4,
        sample_size=32,
        scaling_factor=1.0,
        **kinds(3, attention=[2]),
    )
    model = VQModel(**config).eval()
    randomise(model, seed, half=True)
    out = weights(model)
    out["image"] = picture(2, 3, 20, 36, seed=seed + 1)
    out["encoded"] = model.encode(out["image"]).latents
    out["latents"] = normal(2, 4, 5, 9, seed=seed + 2)
    for key in ("encoded", "latents"):
        check_margins(out[key], model.quantize.embedding.weight)
        quantised, _, (_, _, indices) = model.quantize(out[key])
        out[f"{key}_quantised"] = quantised
        out[f"{key}_codes"] = indices.reshape(len(quantised), *quantised.shape[2:])
    out["decoded"] = model.decode(out["latents"]).sample
    error = float32_error(model, out["latents"], lambda m, z: m.decode(z).sample)
    save_all(name, out, dict(reference="diffusers", config=dict(model.config), reference_float32_error=error))


# CompVis

LDM_FILES = ["ldm/modules/diffusionmodules/model.py", "ldm/modules/distributions/distributions.py"]


def import_compvis(ldm, taming):
    """The networks alone: `ldm/models/autoencoder.py` wants a trainer's package for what it inherits from."""
    sys.path[:0] = [os.path.abspath(ldm)]
    package = types.ModuleType("taming")
    package.__path__ = [os.path.join(os.path.abspath(taming), "taming")]
    for name in ("taming.modules", "taming.modules.vqvae"):
        module = types.ModuleType(name)
        module.__path__ = [os.path.join(os.path.abspath(taming), *name.split("."))]
        sys.modules[name] = module
    sys.modules["taming"] = package
    model = importlib.import_module("ldm.modules.diffusionmodules.model")
    # Its normalisation has 32 groups, which would make a small network large.
    model.Normalize = lambda channels, num_groups=4: th.nn.GroupNorm(num_groups, channels, eps=1e-6)
    return (
        model,
        importlib.import_module("ldm.modules.distributions.distributions").DiagonalGaussianDistribution,
        importlib.import_module("taming.modules.vqvae.quantize").VectorQuantizer2,
    )


class CompVis(th.nn.Module):
    """The parts of latent-diffusion's `AutoencoderKL` and `VQModelInterface`, by their names."""

    def __init__(self, model, ddconfig, embed_dim, quantizer=None):
        super().__init__()
        parts = 2 if ddconfig["double_z"] else 1
        self.encoder = model.Encoder(**ddconfig)
        self.decoder = model.Decoder(**ddconfig)
        self.quant_conv = th.nn.Conv2d(parts * ddconfig["z_channels"], parts * embed_dim, 1)
        self.post_quant_conv = th.nn.Conv2d(embed_dim, ddconfig["z_channels"], 1)
        if quantizer is not None:
            self.quantize = quantizer

    def encode(self, x):
        return self.quant_conv(self.encoder(x))

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


def ddconfig(**changes):
    config = dict(
        ch=8, out_ch=3, in_channels=3, num_res_blocks=1, ch_mult=[2, 1, 2], attn_resolutions=[8], resolution=32,
        z_channels=3, double_z=True, dropout=0.0,
    )  # fmt: skip
    return {**config, **changes}


def compvis(ldm, taming):
    model, gaussian, quantizer = import_compvis(ldm, taming)
    sources = source_hashes(ldm, LDM_FILES)

    # Attention at the last level; the first convolution is narrower than the first level.
    config = dict(ddconfig=ddconfig(), embed_dim=5)
    net = CompVis(model, **config).eval()
    randomise(net, 31, half=True)
    # One channel's logarithm of the variance beyond each bound.
    net.quant_conv.bias.data[-2:] = th.tensor([-40.0, 24.0])
    out = weights(net)
    out["image"] = picture(2, 3, 20, 28, seed=32)
    posterior = gaussian(net.encode(out["image"]))
    out["mean"], out["log_variance"] = posterior.mean, posterior.logvar
    out["latents"] = normal(2, 5, 6, 5, seed=33)
    out["decoded"] = net.decode(out["latents"])
    error = float32_error(net, out["latents"], lambda m, z: m.decode(z))
    save_all("compvis-kl", out, dict(reference=sources, config=config, reference_float32_error=error))

    # Attention everywhere, two blocks a level.
    config = dict(
        ddconfig=ddconfig(double_z=False, ch_mult=[1, 2], attn_resolutions=[32, 16], num_res_blocks=2), embed_dim=3
    )
    net = CompVis(model, **config, quantizer=quantizer(20, 3, beta=0.25)).eval()
    randomise(net, 41, half=True)
    out = weights(net)
    out["image"] = picture(1, 3, 18, 26, seed=42)
    out["encoded"] = net.encode(out["image"])
    check_margins(out["encoded"], net.quantize.embedding.weight)
    out["encoded_quantised"], _, (_, _, indices) = net.quantize(out["encoded"])
    out["encoded_codes"] = indices.reshape(1, *out["encoded"].shape[2:])
    out["decoded"] = net.decode(out["encoded_quantised"])
    error = float32_error(net, out["encoded_quantised"], lambda m, z: m.decode(z))
    save_all("compvis-vq", out, dict(reference=sources, config=config, reference_float32_error=error))


def save_all(name, tensors, metadata):
    print(name, "error of the reference in float32:", metadata["reference_float32_error"])
    save(os.path.join(HERE, f"{name}.safetensors"), tensors, metadata)


@th.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latent-diffusion", required=True)
    parser.add_argument("--taming", required=True)
    arguments = parser.parse_args()
    compvis(arguments.latent_diffusion, arguments.taming)
    for name, seed in (("kl", 100), ("kl-bare", 200)):
        kl(name, KL[name], seed)
    vq("vq", 300)


if __name__ == "__main__":
    main()
