"""Layers and operations as PyTorch computes them (see README.md).

    python generate.py

Versions: Python 3.11, torch 2.13.0 (CPU), safetensors 0.8.0 (requirements.txt).
"""

import os
import sys

import torch as th
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import save  # noqa: E402


def draw(generator, *shape):
    return th.randn(shape, generator=generator, dtype=th.float64).float()


def layer(name, module, x, generator, context=None):
    """NAME.weights.KEY, NAME.input, NAME.output: computed in double precision from float32 values."""
    with th.no_grad():
        for p in module.parameters():
            p.copy_(0.5 * draw(generator, *p.shape))
    out = {f"{name}.weights.{k}": v.clone() for k, v in module.state_dict().items()}
    inputs = [x] if context is None else [x, context]
    out[f"{name}.input"] = x
    if context is not None:
        out[f"{name}.context"] = context
    with th.no_grad():
        out[f"{name}.output"] = module.double()(*[i.double() for i in inputs]).float()
    return out


class Attention(th.nn.Module):
    """latent-diffusion's CrossAttention, three heads of width 4, from its formula."""

    def __init__(self, width, context):
        super().__init__()
        self.to_q = th.nn.Linear(width, 12, bias=False)
        self.to_k = th.nn.Linear(context, 12, bias=False)
        self.to_v = th.nn.Linear(context, 12, bias=False)
        self.to_out = th.nn.ModuleList([th.nn.Linear(12, width)])

    def forward(self, x, context=None):
        context = x if context is None else context
        split = lambda t: t.unflatten(-1, (3, 4)).transpose(1, 2)  # noqa: E731
        q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
        weights = (q @ k.transpose(-1, -2) / 2.0).softmax(-1)
        return self.to_out[0]((weights @ v).transpose(1, 2).flatten(2))


def layers():
    g = th.Generator().manual_seed(3)
    tensors = {}
    tensors |= layer("linear", th.nn.Linear(6, 5), draw(g, 2, 3, 6), g)
    tensors |= layer("convolution", th.nn.Conv2d(4, 6, 3, padding=1), draw(g, 2, 4, 5, 7), g)
    tensors |= layer("strided", th.nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), draw(g, 1, 4, 6, 8), g)
    tensors |= layer("group_norm", th.nn.GroupNorm(4, 8), 3 * draw(g, 2, 8, 3, 5) + 1, g)
    tensors |= layer("layer_norm", th.nn.LayerNorm(10), 2 * draw(g, 3, 4, 10) - 1, g)
    tensors |= layer("self_attention", Attention(8, 8), draw(g, 2, 5, 8), g)
    tensors |= layer("cross_attention", Attention(8, 6), draw(g, 2, 5, 8), g, draw(g, 2, 3, 6))
    return tensors


def clipping():
    """clip.MAXIMUM.K: gradients after torch.nn.utils.clip_grad_norm_; clip.norm: before."""
    g = th.Generator().manual_seed(4)
    gradients = [draw(g, 3, 4), draw(g, 5), draw(g, 1)]
    tensors = {f"clip.gradient.{k}": v.clone() for k, v in enumerate(gradients)}
    for maximum in (0.5, 2.0, 1000.0):
        parameters = [th.nn.Parameter(th.zeros_like(v)) for v in gradients]
        for p, v in zip(parameters, gradients):
            p.grad = v.clone()
        tensors["clip.norm"] = th.nn.utils.clip_grad_norm_(parameters, maximum).reshape(1)
        tensors |= {f"clip.{maximum}.{k}": p.grad for k, p in enumerate(parameters)}
    return tensors


def operations():
    """op.NAME: operations whose values are not written down by hand. op.x is [2, 3, 4, 6]."""
    g = th.Generator().manual_seed(5)
    x, q, k, v = draw(g, 2, 3, 4, 6), draw(g, 2, 2, 3, 4), draw(g, 2, 2, 5, 4), draw(g, 2, 2, 5, 4)
    weight, weight1 = draw(g, 3, 2, 3, 3), draw(g, 4, 3, 2)
    mask = th.rand((3, 5), generator=g) < 0.6
    mask[:, 0] = True
    d = x.double()
    resize = lambda mode, size, aa: F.interpolate(d, size, mode=mode, antialias=aa, align_corners=False)  # noqa: E731
    out = {
        "transposed": F.conv_transpose2d(d, weight.double(), stride=2, padding=1, output_padding=1),
        "conv1d": F.conv1d(d.flatten(2), weight1.double(), stride=2, dilation=2),
        "bilinear": resize("bilinear", (7, 9), False),
        "bilinear_antialias": resize("bilinear", (2, 3), True),
        "bicubic": resize("bicubic", (7, 9), False),
        "bicubic_antialias": resize("bicubic", (2, 3), True),
        "nearest": F.interpolate(d, (8, 12), mode="nearest"),
        "attention": F.scaled_dot_product_attention(q.double(), k.double(), v.double()),
        "attention_masked": F.scaled_dot_product_attention(q.double(), k.double(), v.double(), attn_mask=mask),
        "attention_causal": F.scaled_dot_product_attention(q.double(), q.double(), q.double(), is_causal=True, scale=0.3),
        "gelu": F.gelu(d),
        "gelu_tanh": F.gelu(d, approximate="tanh"),
        "softplus": F.softplus(d),
        "erf": th.erf(d),
        "silu": F.silu(d),
        "quantile": th.quantile(d.flatten(1), 0.9, dim=1),
        "logsumexp": th.logsumexp(d, -1),
        "log_softmax": th.log_softmax(d, 1),
        "variance": th.var(d, (1, 3)),
        "pixel_unshuffle": F.pixel_unshuffle(d, 2),
        "average": F.avg_pool2d(d, 2),
    }
    inputs = {"x": x, "q": q, "k": k, "v": v, "mask": mask, "weight": weight, "weight1": weight1}
    return {f"op.{key}": value for key, value in {**inputs, **{k: v.float() for k, v in out.items()}}.items()}


def main():
    save(os.path.join(HERE, "layers.safetensors"), {**layers(), **clipping(), **operations()}, {})


if __name__ == "__main__":
    main()
