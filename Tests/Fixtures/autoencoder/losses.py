"""A training step of small autoencoders with a discriminator: losses and every gradient (see README.md).

    python losses.py

The formulas are those of latent-diffusion's `LPIPSWithDiscriminator` and `VQLPIPSWithDiscriminator` and of
taming-transformers' `VectorQuantizer2`, `NLayerDiscriminator` and `LPIPS`, written anew in plain PyTorch; the networks are
diffusers'. Versions: requirements.txt.
"""

import json
import os
import sys

import torch as th
from diffusers import AutoencoderKL, VQModel
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "glide")]

from generate import check_margins, kinds, normal, picture  # noqa: E402
from reference import randomise, relative_l2, save  # noqa: E402

GROUPS = 4
LIKENESS = dict(kl=dict(pixels="l1", perceptual=0.7, adversarial=0.5, kl=1e-3), vq=dict(pixels="l2", adversarial=0.3))
# As VectorQuantizer2 weighs them by default: the commitment whole, the codebook's loss by beta.
COMMITMENT, CODEBOOK = 1.0, 0.25


def discriminator(channels=8, layers=2):
    """Normalised over groups of channels where theirs is over the batch."""
    parts = [nn.Conv2d(3, channels, 4, 2, 1), nn.LeakyReLU(0.2)]
    width = channels
    for index in range(1, layers + 1):
        wider = channels * min(2**index, 8)
        stride = 2 if index < layers else 1
        parts += [nn.Conv2d(width, wider, 4, stride, 1, bias=False), nn.GroupNorm(GROUPS, wider), nn.LeakyReLU(0.2)]
        width = wider
    net = nn.Module()
    net.main = nn.Sequential(*parts, nn.Conv2d(width, 1, 4, 1, 1))
    return net


def vgg(widths=(4, 4, 8, 8, 8), depths=(2, 2, 3, 3, 3)):
    parts, width = [], 3
    for wider, depth in zip(widths, depths):
        for _ in range(depth):
            parts += [nn.Conv2d(width, wider, 3, padding=1), nn.ReLU()]
            width = wider
        parts.append(nn.MaxPool2d(2))
    net = nn.Module()
    net.features = nn.Sequential(*parts)
    return net, [th.rand(1, w, 1, 1, generator=th.Generator().manual_seed(70 + i)) for i, w in enumerate(widths)]


def looks(net, pictures):
    h = (pictures - pictures.new_tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)) / pictures.new_tensor(
        [0.458, 0.448, 0.450]
    ).view(1, 3, 1, 1)
    maps = []
    for index, layer in enumerate(net.features[:30]):
        h = layer(h)
        if index in (3, 8, 15, 22, 29):
            maps.append(h / (h.pow(2).sum(1, keepdim=True).sqrt() + 1e-10))
    return maps


def lpips(net, weights, a, b):
    """[N, 1, 1, 1]."""
    return sum(
        (w.to(x) * (x - y) ** 2).sum(1, keepdim=True).mean((2, 3), keepdim=True)
        for w, x, y in zip(weights, looks(net, a), looks(net, b))
    )


def adaptive(likeness, deceiving, last):
    loud = th.autograd.grad(likeness, last, retain_graph=True)[0].norm()
    other = th.autograd.grad(deceiving, last, retain_graph=True)[0].norm()
    return (loud / (other + 1e-4)).clamp(0, 1e4).detach()


def hinge(true, forged):
    return 0.5 * (F.relu(1 - true).mean() + F.relu(1 + forged).mean())


def step(kind, model, judge, eyes, x, noise):
    """What a step finds: losses, and the gradients of both networks by name."""
    weights = LIKENESS[kind]
    numbers = x[0].numel()
    out = {}
    if kind == "kl":
        mean, log_variance = model.quant_conv(model.encoder(x)).chunk(2, 1)
        log_variance = log_variance.clamp(-30, 20)
        z = mean + (0.5 * log_variance).exp() * noise
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum((1, 2, 3))
        out["divergence"] = divergence.mean()
    else:
        latents = model.quant_conv(model.encoder(x))
        check_margins(latents.detach(), model.quantize.embedding.weight.detach())
        flat = latents.permute(0, 2, 3, 1)
        numbers_of = th.cdist(flat.reshape(-1, flat.shape[-1]), model.quantize.embedding.weight).argmin(1)
        codes = model.quantize.embedding(numbers_of).view(flat.shape).permute(0, 3, 1, 2)
        commitment, codebook = ((codes.detach() - latents) ** 2).mean(), ((codes - latents.detach()) ** 2).mean()
        out["commitment"], out["codebook"] = commitment, codebook
        z = latents + (codes - latents).detach()
    made = model.decoder(model.post_quant_conv(z))
    difference = x - made
    rec = difference.abs() if weights["pixels"] == "l1" else difference**2
    out["pixels"] = rec.mean()
    if "perceptual" in weights:
        p = lpips(*eyes, x, made)
        out["perceptual"] = p.flatten()
        rec = rec + weights["perceptual"] * p
    # Theirs: a sum over each picture for the Gaussian ones, a mean for the others.
    likeness = rec.sum() / len(x) if kind == "kl" else rec.mean()
    deceiving = -judge.main(made).mean()
    weight = weights["adversarial"] * adaptive(likeness, deceiving, model.decoder.conv_out.weight)
    if kind == "kl":
        regularisation = weights["kl"] * divergence.sum() / len(x)
    else:
        regularisation = COMMITMENT * commitment + CODEBOOK * codebook
    total = likeness + regularisation + weight * deceiving
    judging = hinge(judge.main(x), judge.main(made.detach()))
    out |= dict(made=made, likeness=likeness, deceiving=deceiving, weight=weight, total=total, judging=judging)
    scale = numbers if kind == "kl" else 1
    own = dict(model.named_parameters())
    gradients = th.autograd.grad(total / scale, own.values(), retain_graph=True)
    out |= {f"gradient.autoencoder.{k}": g for k, g in zip(own, gradients)}
    own = dict(judge.named_parameters())
    gradients = th.autograd.grad(judging, own.values())
    out |= {f"gradient.discriminator.{k}": g for k, g in zip(own, gradients)}
    return {k: v.detach() for k, v in out.items()}


def main():
    shape = dict(block_out_channels=[8, 16], layers_per_block=1, norm_num_groups=GROUPS, sample_size=16, **kinds(2))
    models = dict(
        kl=AutoencoderKL(latent_channels=3, scaling_factor=1.0, **shape),
        vq=VQModel(latent_channels=3, vq_embed_dim=3, num_vq_embeddings=12, scaling_factor=1.0, **shape),
    )
    net, linear = vgg()
    randomise(net, 61, half=True)
    with th.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 4:  # rectifiers halve what passes
                parameter.copy_((parameter * 2**0.5).half().float())
    linear = [w.half().float() for w in linear]
    save(os.path.join(HERE, "vgg.safetensors"), {k: v.half() for k, v in net.state_dict().items()}, {})
    save(
        os.path.join(HERE, "lpips.safetensors"),
        {f"lin{i}.model.1.weight": w.half() for i, w in enumerate(linear)}, {},
    )
    for index, (kind, model) in enumerate(models.items()):
        judge = discriminator()
        randomise(model, 400 + index, half=True)
        randomise(judge, 500 + index, half=True)
        out = {f"weights.autoencoder.{k}": v.half() for k, v in model.state_dict().items()}
        out |= {f"weights.discriminator.{k}": v.half() for k, v in judge.state_dict().items()}
        x, noise = picture(2, 3, 16, 16, seed=600 + index), normal(2, 3, 8, 8, seed=700 + index)
        single = step(kind, model, judge, (net, linear), x, noise)
        double = step(kind, model.double(), judge.double(), (net.double(), linear), x.double(), noise.double())
        net.float()
        errors = {
            k: relative_l2(single[k], v) for k, v in double.items() if k.startswith("gradient") and v.abs().max() > 1e-9
        }
        worst = max(errors, key=errors.get)
        print(kind, "error of the reference in float32:", worst, errors[worst], "weight", float(double["weight"]))
        out |= {"x": x, "noise": noise} | {f"value.{k}" if "." not in k else k: v.float() for k, v in double.items()}
        metadata = dict(config=dict(model.config), weights=json.dumps(LIKENESS[kind]), reference_float32_error=errors[worst])
        save(os.path.join(HERE, f"losses-{kind}.safetensors"), out, metadata)


if __name__ == "__main__":
    main()
