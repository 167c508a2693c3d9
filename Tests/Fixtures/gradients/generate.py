"""A training step of a small GLIDE base model: losses, gradients and the weights after AdamW (see README.md).

    python generate.py --glide GLIDE-CHECKOUT

The network and the diffusion's tables are glide-text2im's. It has no training code; the losses below are written
from "Improved Denoising Diffusion Probabilistic Models" (Nichol and Dhariwal 2021), sections 2 and 3.1.
Versions: Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6, safetensors 0.8.0 (requirements.txt).
"""

import argparse
import math
import os
import sys
from unittest import mock

import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import import_glide, randomise, relative_l2, save, save_split, small_network, source_hashes  # noqa: E402

CONFIG = dict(
    image_size=8,
    num_channels=8,
    channel_mult=[4, 4],
    num_res_blocks=1,
    attention_downsampling=[2],
    num_head_channels=16,
    text_ctx=6,
    xf_width=16,
    xf_layers=1,
    xf_heads=2,
    n_vocab=32,  # the last token pads
    out_channels=6,
)
ADAMW = dict(lr=1e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.05)


def network():
    from glide_text2im.text2im_model import Text2ImUNet

    return small_network(Text2ImUNet, CONFIG, dropout=0.0)


def mean_flat(x):
    return x.mean(dim=(1, 2, 3))


def normal_kl(mean1, log_variance1, mean2, log_variance2):
    """KL(N1 || N2) an element, in nats."""
    return 0.5 * (
        log_variance2
        - log_variance1
        - 1
        + th.exp(log_variance1 - log_variance2)
        + (mean1 - mean2) ** 2 * th.exp(-log_variance2)
    )


def discretised_log_likelihood(x, mean, log_scale):
    """log P of 8-bit pixels scaled to [-1, 1] under a Gaussian integrated over bins of width 2/255, the outer two
    open-ended. The cumulative normal is the tanh approximation that the published trainers use; probabilities are
    kept above 1e-12."""

    def cdf(z):
        return 0.5 * (1 + th.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))

    inverse = th.exp(-log_scale)
    upper, lower = cdf(inverse * (x - mean + 1 / 255)), cdf(inverse * (x - mean - 1 / 255))
    log = lambda p: p.clamp(min=1e-12).log()  # noqa: E731
    return th.where(x < -0.999, log(upper), th.where(x > 0.999, log(1 - lower), log(upper - lower)))


def losses(model, diffusion, batch, variational):
    """Per picture: the noise's mean squared error, and the variational term in bits a number (or None)."""
    x0, noise, t = batch["x0"], batch["noise"], batch["timesteps"]
    xt = diffusion.q_sample(x0, t, noise)
    output = model(xt, t, tokens=batch["tokens"], mask=batch["mask"])
    eps, v = output.split(3, dim=1)
    mse = mean_flat((noise - eps) ** 2)
    if not variational:
        return xt, output, mse, None
    # The variational term trains the variance alone: the predicted noise is detached in it.
    frozen = th.cat([eps.detach(), v], dim=1)
    p = diffusion.p_mean_variance(lambda *_: frozen, xt, t, clip_denoised=False)
    mean, _, log_variance = diffusion.q_posterior_mean_variance(x0, xt, t)
    kl = mean_flat(normal_kl(mean, log_variance, p["mean"], p["log_variance"])) / math.log(2)
    nll = -mean_flat(discretised_log_likelihood(x0, p["mean"], 0.5 * p["log_variance"])) / math.log(2)
    return xt, output, mse, th.where(t == 0, nll, kl)


def step(model, diffusion, batch, variational, weight):
    """One backward pass: (values, gradients by name)."""
    model.zero_grad()
    xt, output, mse, vb = losses(model, diffusion, batch, variational)
    loss = (mse if vb is None else mse + weight * vb).mean()
    loss.backward()
    values = {"xt": xt, "output": output, "mse": mse, "loss": loss}
    if vb is not None:
        values["vb"] = vb
    return {k: v.detach() for k, v in values.items()}, {k: p.grad.clone() for k, p in model.named_parameters()}


def in_double(model, f):
    """Runs f with the network in double precision, the reference's casts to float32 turned off."""
    model.double()
    model.dtype = th.float64
    with mock.patch.object(th.Tensor, "float", th.Tensor.double):
        result = f()
    model.float()
    model.dtype = th.float32
    return result


def make_batch():
    g = th.Generator().manual_seed(2)
    size, ctx, pad = CONFIG["image_size"], CONFIG["text_ctx"], CONFIG["n_vocab"] - 1
    lengths = [4, 0, ctx, 1, 3, 2]
    mask = th.tensor([[i < n for i in range(ctx)] for n in lengths])
    shape = (len(lengths), 3, size, size)
    # 8-bit pixels, black and white among them, so that all three kinds of bin occur.
    pixels = th.randint(-60, 316, shape, generator=g).clamp(0, 255)
    timesteps = th.tensor([0, 1, 250, 640, 900, 0])
    # Less noise at step 0: in float32 a pixel far out in the tail has a likelihood of few digits, cdf - cdf.
    scale = th.where(timesteps == 0, 0.3, 1.0)[:, None, None, None]
    return dict(
        x0=pixels.float() / 127.5 - 1,
        noise=th.randn(shape, generator=g) * scale,
        timesteps=timesteps,
        tokens=th.where(mask, th.randint(0, pad, mask.shape, generator=g), pad),
        mask=mask,
    )


def training_step(glide):
    from glide_text2im.model_creation import create_gaussian_diffusion

    sources = [f"glide_text2im/{n}.py" for n in ("text2im_model", "unet", "xf", "nn", "gaussian_diffusion", "respace")]
    hashes = source_hashes(glide, sources)
    model = network()
    randomise(model, seed=1, half=True)
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    batch = make_batch()
    doubles = {k: v.double() if v.is_floating_point() else v for k, v in batch.items()}
    diffusion = create_gaussian_diffusion(steps=1000, noise_schedule="squaredcos_cap_v2", timestep_respacing="")
    save(
        os.path.join(HERE, "batch.safetensors"),
        {**{f"weights.{k}": v.half() for k, v in weights.items()}, **{f"batch.{k}": v for k, v in batch.items()}},
        {
            "reference": hashes,
            "config": CONFIG,
            "noise_schedule": "squaredcos_cap_v2",
            "weights": "float16 holds these float32 values exactly",
            "parameters": sum(p.numel() for p in model.parameters()),
        },
    )
    # RESCALED_MSE of the published trainers: the term of one step stands for a sum over all of them, times 0.001.
    weight = 0.001 * diffusion.num_timesteps
    for name, variational in (("mse", False), ("learned_variance", True)):
        model.load_state_dict(weights)
        values, gradients = in_double(model, lambda: step(model, diffusion, doubles, variational, weight))  # noqa: B023
        model.load_state_dict(weights)
        singles, single = step(model, diffusion, batch, variational, weight)
        # With 32 channels every group of the next normalisation is one channel, which forgets a bias before it.
        # Such gradients are zero but for rounding, and are stored as zero.
        invariant = [k for k, g in gradients.items() if g.abs().max() < 1e-12]
        assert all(k.endswith("bias") for k in invariant)
        worst = max((relative_l2(single[k], gradients[k]), k) for k in gradients if k not in invariant)
        whole = relative_l2(th.cat([g.flatten() for g in single.values()]), th.cat([g.flatten() for g in gradients.values()]))
        print(f"{name}: loss {values['loss']:.6f}, float32 gradients off by {whole:.1e}, worst {worst[0]:.1e} ({worst[1]})")
        print({k: values[k].tolist() for k in ("mse", "vb") if k in values})
        assert all(g.abs().max() > 1e-6 for k, g in gradients.items() if k not in invariant)
        for k in invariant:
            gradients[k].zero_()
        metadata = {
            "loss": "mean over the batch of mse" + (f" + {weight} * vb" if variational else ""),
            "precision": "values float64; gradients computed in float64, stored as float32",
            "zero_gradients": invariant,
            "float32_gradients_error": whole,
            "float32_gradients_error_worst": list(worst),
        }
        tensors = {f"value.{k}": v for k, v in values.items()}
        tensors.update({f"gradient.{k}": v.to(th.float32) for k, v in gradients.items()})
        save_split(os.path.join(HERE, name), tensors, metadata)
        if variational:
            # AdamW in float32 from the stored gradients, so that it is tested apart from them.
            for k, p in model.named_parameters():
                p.grad = gradients[k].to(th.float32)
            th.optim.AdamW(model.parameters(), **ADAMW).step()
            stepped = {f"stepped.{k}": p for k, p in model.named_parameters()}
            save_split(os.path.join(HERE, f"{name}.stepped"), stepped, {"adamw": ADAMW, "steps": 1})


def adamw():
    """Five AdamW steps on made-up gradients, one of them zero, with the optimizer's moments after each."""
    g = th.Generator().manual_seed(3)
    initial = {"matrix": th.randn(5, 7, generator=g), "vector": th.randn(19, generator=g), "still": th.randn(3, generator=g)}
    gradients = [
        {k: th.zeros_like(v) if k == "still" else th.randn(v.shape, generator=g) * 10.0 ** (s - 3) for k, v in initial.items()}
        for s in range(5)
    ]
    tensors = {f"initial.{k}": v for k, v in initial.items()}
    plans = {
        "decay": ADAMW,
        "plain": dict(lr=3e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
        "large_eps": dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.5),
    }
    for plan, options in plans.items():
        for dtype, suffix in ((th.float32, ""), (th.float64, ".float64")):
            p = {k: th.nn.Parameter(v.to(dtype, copy=True)) for k, v in initial.items()}
            optimizer = th.optim.AdamW(p.values(), **options)
            for s, gradient in enumerate(gradients):
                for k in p:
                    p[k].grad = gradient[k].to(dtype)
                    tensors[f"gradient.{s}.{k}"] = gradient[k]
                optimizer.step()
                for k in p:
                    tensors[f"{plan}.{s}.{k}{suffix}"] = p[k].detach().clone()
                    if dtype == th.float64:
                        tensors[f"{plan}.{s}.{k}.exp_avg"] = optimizer.state[p[k]]["exp_avg"].clone()
                        tensors[f"{plan}.{s}.{k}.exp_avg_sq"] = optimizer.state[p[k]]["exp_avg_sq"].clone()
    save(os.path.join(HERE, "adamw.safetensors"), tensors, plans)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True)
    arguments = parser.parse_args()
    import_glide(arguments.glide)
    training_step(arguments.glide)
    adamw()


if __name__ == "__main__":
    main()
