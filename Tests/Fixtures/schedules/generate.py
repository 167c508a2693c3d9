"""Noise schedules as whole arrays, from glide-text2im, k-diffusion and diffusers (see README.md).

    python generate.py --glide GLIDE-CHECKOUT --k-diffusion K-DIFFUSION-CHECKOUT

Versions: Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6, safetensors 0.8.0, diffusers 0.42.1 (requirements.txt).
"""

import argparse
import os
import sys

import numpy as np
import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import import_glide, import_k_diffusion_sampling, save, source_hashes  # noqa: E402

TABLES = [
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "alphas_cumprod_next",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
]
NAMES = {"linear": "linear", "squared_cosine": "squaredcos_cap_v2"}
RESPACINGS = ["100", "27", "fast27", "10,10,5", "ddim25", "10", "7", "3", "2", "3,1,2", "ddim50", "1000"]


def tables(diffusion):
    result = {k: th.from_numpy(np.asarray(getattr(diffusion, k), dtype=np.float64)) for k in TABLES}
    result["log_betas"] = result["betas"].log()
    # What guided-diffusion calls "fixed large": β, its first element replaced so that its logarithm is moderate.
    large = np.append(diffusion.posterior_variance[1:2], diffusion.betas[1:])
    result["fixed_large_log_variance"] = th.from_numpy(np.log(large))
    return result


def glide_schedules(glide):
    from glide_text2im.gaussian_diffusion import GaussianDiffusion, get_named_beta_schedule
    from glide_text2im.respace import SpacedDiffusion, space_timesteps

    hashes = source_hashes(glide, ["glide_text2im/gaussian_diffusion.py", "glide_text2im/respace.py"])
    schedules = {k: lambda n, name=name: get_named_beta_schedule(name, n) for k, name in NAMES.items()}
    # In diffusers' words; in double precision here, by diffusers in float32 in diffusers.safetensors.
    schedules["scaled_linear"] = lambda n: np.linspace(0.00085**0.5, 0.012**0.5, n) ** 2
    for name, betas in schedules.items():
        whole = {}
        for steps in (1000, 100):
            whole.update({f"{steps}.{k}": v for k, v in tables(GaussianDiffusion(betas=betas(steps))).items()})
        save(os.path.join(HERE, f"{name}.safetensors"), whole, {"reference": hashes})

        respaced = {}
        for spec in RESPACINGS:
            if spec == "1000" and name != "linear":
                continue
            diffusion = SpacedDiffusion(use_timesteps=space_timesteps(1000, spec), betas=betas(1000))
            respaced[f"{spec}.timestep_map"] = th.tensor(diffusion.timestep_map)
            respaced.update({f"{spec}.{k}": v for k, v in tables(diffusion).items()})
        save(os.path.join(HERE, f"{name}.respaced.safetensors"), respaced, {"reference": hashes})

    maps = {}
    for steps, spec in [(300, "10,15,20"), (1001, "10,10,3,2,2"), (1000, "ddim100"), (50, "50"), (50, "7,7"), (1000, "1"), (101, "4,3")]:
        maps[f"{steps}.{spec}"] = th.tensor(sorted(space_timesteps(steps, spec)))
    save(os.path.join(HERE, "timestep_maps.safetensors"), maps, {"reference": hashes})


def k_diffusion_sigmas(path):
    k = import_k_diffusion_sampling(path)
    th.set_default_dtype(th.float64)
    tensors = {}
    for n in (1, 2, 5, 10, 25, 40):
        for low, high in ((0.0292, 14.6146), (0.002, 80.0)):
            tensors[f"karras.{n}.{low}.{high}"] = k.get_sigmas_karras(n, low, high)
            tensors[f"exponential.{n}.{low}.{high}"] = k.get_sigmas_exponential(n, low, high)
        tensors[f"vp.{n}"] = k.get_sigmas_vp(n)
    tensors["karras.rho5.10.0.0292.14.6146"] = k.get_sigmas_karras(10, 0.0292, 14.6146, rho=5.0)
    tensors["polyexponential.rho0.5.10.0.0292.14.6146"] = k.get_sigmas_polyexponential(10, 0.0292, 14.6146, rho=0.5)
    th.set_default_dtype(th.float32)
    save(
        os.path.join(HERE, "sigmas.safetensors"),
        tensors,
        {"reference": source_hashes(path, ["k_diffusion/sampling.py"])},
    )


def diffusers_schedules():
    import diffusers
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    tensors = {}
    latent = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    for name, options in {
        "scaled_linear": latent,
        "linear": dict(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear"),
        "squared_cosine": dict(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2"),
    }.items():
        scheduler = DDPMScheduler(**options)
        tensors[f"{name}.betas"] = scheduler.betas
        tensors[f"{name}.alphas_cumprod"] = scheduler.alphas_cumprod
    for spacing in ("leading", "trailing", "linspace"):
        for steps in (4, 10, 27, 50):
            for offset in (0, 1) if spacing == "leading" else (0,):
                scheduler = DDIMScheduler(**latent, timestep_spacing=spacing, steps_offset=offset)
                scheduler.set_timesteps(steps)
                suffix = f".offset{offset}" if offset else ""
                tensors[f"timesteps.{spacing}.{steps}{suffix}"] = scheduler.timesteps.long()
    for steps in (10, 30):
        for karras in (False, True):
            for spacing in ("linspace", "leading", "trailing"):
                scheduler = EulerDiscreteScheduler(
                    **latent, timestep_spacing=spacing, use_karras_sigmas=karras, steps_offset=1
                )
                scheduler.set_timesteps(steps)
                key = f"euler.{spacing}.{'karras.' if karras else ''}{steps}"
                tensors[f"{key}.sigmas"] = scheduler.sigmas.float()
                tensors[f"{key}.timesteps"] = scheduler.timesteps.float()
    save(os.path.join(HERE, "diffusers.safetensors"), tensors, {"diffusers": diffusers.__version__})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True)
    parser.add_argument("--k-diffusion", required=True)
    arguments = parser.parse_args()
    import_glide(arguments.glide)
    glide_schedules(arguments.glide)
    k_diffusion_sigmas(arguments.k_diffusion)
    diffusers_schedules()


if __name__ == "__main__":
    main()
