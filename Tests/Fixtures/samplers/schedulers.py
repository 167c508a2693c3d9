"""Golden sampling trajectories from diffusers' schedulers, in double precision (see README.md).

    python schedulers.py

The network is a closed formula. diffusers computes its tables in float32; here float32 stands for float64 while it runs,
so that what is compared is its arithmetic and not its rounding. Some runs as it really is stand beside them.
Versions: Python 3.11, torch 2.11.0 (CPU), diffusers 0.36.0, numpy 2.4.6, safetensors 0.8.0.
"""

import contextlib
import importlib
import json
import os
import sys
import types
from unittest import mock

import numpy as np
import torch
from diffusers.guiders.guider_utils import rescale_noise_cfg
from safetensors.torch import save_file

sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))  # its Brownian tree is replaced below
HERE = os.path.dirname(os.path.abspath(__file__))
SHAPE = (2, 1, 2, 3)
DRAWS = 60
FLOAT32, NUMPY_FLOAT32 = torch.float32, np.float32
NETWORK = "m(x, t) = 0.8 tanh(a x + b) + 0.2 sin(t / 100 + c); v(x, t) = tanh(0.5 x + c) cos(t / 200)"

CLASSES = {
    "ddpm": "ddpm.DDPMScheduler",
    "ddim": "ddim.DDIMScheduler",
    "pndm": "pndm.PNDMScheduler",
    "euler": "euler_discrete.EulerDiscreteScheduler",
    "euler-a": "euler_ancestral_discrete.EulerAncestralDiscreteScheduler",
    "heun": "heun_discrete.HeunDiscreteScheduler",
    "dpm++2m": "dpmsolver_multistep.DPMSolverMultistepScheduler",
    "dpm++2m-sde": "dpmsolver_multistep.DPMSolverMultistepScheduler",
    "dpm++sde": "dpmsolver_sde.DPMSolverSDEScheduler",
    "unipc": "unipc_multistep.UniPCMultistepScheduler",
    "lcm": "lcm.LCMScheduler",
}
OVERRIDES = {  # what a user of diffusers gives beside the model's own configuration
    "pndm": dict(skip_prk_steps=True),
    "dpm++2m": dict(algorithm_type="dpmsolver++"),
    "dpm++2m-sde": dict(algorithm_type="sde-dpmsolver++"),
}

LATENT = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, clip_sample=False,
    set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, trained_betas=None,
)  # fmt: skip
CONFIGS = {
    # As published.
    "sd1": dict(LATENT, _class_name="PNDMScheduler"),
    "sd2": dict(LATENT, _class_name="DDIMScheduler", prediction_type="v_prediction"),
    "xl": dict(
        LATENT, _class_name="EulerDiscreteScheduler", prediction_type="epsilon", interpolation_type="linear",
        sample_max_value=1.0, timestep_spacing="leading", use_karras_sigmas=False,
    ),
    # Nothing but a class, so that all is at its default.
    "bare": dict(_class_name="DDPMScheduler"),
    # Lin et al. 2023.
    "zero-snr": dict(
        LATENT, _class_name="DDIMScheduler", prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    ),
    "karras": dict(
        LATENT, _class_name="DPMSolverMultistepScheduler", use_karras_sigmas=True, lambda_min_clipped=-float("inf"),
        timestep_spacing="leading", solver_order=2, solver_type="midpoint", lower_order_final=True,
        _use_default_values=["set_alpha_to_one"],
    ),
    "exponential": dict(
        LATENT, _class_name="EulerDiscreteScheduler", use_exponential_sigmas=True, timestep_spacing="trailing",
        sigma_min=0.05, sigma_max=12.0, prediction_type="v_prediction",
    ),
    "threshold": dict(
        _class_name="DDIMScheduler", beta_schedule="squaredcos_cap_v2", num_train_timesteps=997, prediction_type="sample",
        thresholding=True, dynamic_thresholding_ratio=0.8, sample_max_value=1.3, timestep_spacing="linspace",
        clip_sample=True, variance_type="fixed_large", steps_offset=3, lambda_min_clipped=-4.0, use_lu_lambdas=False,
    ),
    "clip": dict(
        _class_name="DDPMScheduler", beta_schedule="linear", beta_start=0.001, beta_end=0.03, num_train_timesteps=500,
        clip_sample=True, clip_sample_range=0.7, timestep_spacing="trailing", variance_type="fixed_large",
        original_inference_steps=40, timestep_scaling=0.02,
    ),
    "solver": dict(
        LATENT, _class_name="DPMSolverMultistepScheduler", solver_type="heun", lower_order_final=False,
        final_sigmas_type="sigma_min", timestep_spacing="trailing", disable_corrector=[0, 3],
    ),
    "solver3": dict(
        LATENT, _class_name="UniPCMultistepScheduler", solver_type="bh1", solver_order=3, timestep_spacing="linspace",
        final_sigmas_type="sigma_min",  # bh1 gives no number otherwise
    ),
    "final": dict(
        LATENT, _class_name="DPMSolverMultistepScheduler", final_sigmas_type="sigma_min", timestep_spacing="linspace",
    ),
    "lu": dict(LATENT, _class_name="DPMSolverMultistepScheduler", use_lu_lambdas=True, solver_order=1),
    "learned": dict(LATENT, _class_name="DDPMScheduler", variance_type="learned_range", timestep_spacing="leading"),
}  # fmt: skip
ONLY = {
    "solver": ["dpm++2m", "dpm++2m-sde", "unipc"], "final": ["dpm++2m", "dpm++2m-sde"], "solver3": ["unipc"],
    "lu": ["dpm++2m"], "learned": ["ddpm"],
}  # fmt: skip
NOT = {  # what diffusers has not
    "threshold": ["pndm", "euler-a", "dpm++sde"],
}
STEPS = [1, 2, 3, 8, 25]
STRENGTHS = {  # starting from a picture
    "sd1": [(8, 0.6), (10, 0.35), (3, 1.0)], "xl": [(8, 0.6)], "zero-snr": [(10, 0.5)], "solver": [(20, 0.45)],
    "final": [(20, 0.45)],
}  # fmt: skip


@contextlib.contextmanager
def doubled(really=True):
    """float32 is float64."""
    if not really:
        yield
        return
    torch.set_default_dtype(torch.float64)
    with mock.patch.object(torch, "float32", torch.float64), mock.patch.object(np, "float32", np.float64):
        yield
    torch.set_default_dtype(FLOAT32)


class Draws:
    """The file's noise, one draw after the other."""

    def __init__(self, noise):
        self.noise, self.index = noise, 0

    def __call__(self, *arguments, **keywords):
        self.index += 1
        return self.noise[self.index - 1]


class Brownian:
    """One motion in σ for both parts of a step; two draws are its pieces."""

    def __init__(self, draws):
        self.draws, self.start = draws, None

    def __call__(self, sigma, sigma_next):
        if self.start is None or sigma != self.start:
            self.start, self.middle, self.first = sigma, sigma_next, self.draws()
            return self.first
        share = (sigma - self.middle) / (sigma - sigma_next)
        return share**0.5 * self.first + (1 - share) ** 0.5 * self.draws()


def coefficients():
    g = torch.Generator().manual_seed(5)
    draw = lambda: torch.rand(SHAPE[1:], generator=g, dtype=torch.float64)  # noqa: E731
    return {"a": 0.5 + draw(), "b": draw() - 0.5, "c": 6 * draw(), "x0": 2 * draw() - 1}


def run(name, config, steps, k, noise, strength=None):
    """What a pipeline does with a scheduler: its tables, and the sample after each of its steps."""
    path, kind = CLASSES[name].split(".")
    module = importlib.import_module(f"diffusers.schedulers.scheduling_{path}")
    scheduler = getattr(module, kind).from_config(dict(config), **OVERRIDES.get(name, {}))
    draws = Draws(noise)
    patches = contextlib.ExitStack()
    if hasattr(module, "randn_tensor"):
        patches.enter_context(mock.patch.object(module, "randn_tensor", draws))
    if name == "dpm++sde":
        motion = Brownian(draws)
        patches.enter_context(mock.patch.object(module, "BrownianTreeNoiseSampler", lambda *a, **b: motion))
    with patches:
        scheduler.set_timesteps(steps)
        timesteps = scheduler.timesteps
        init = float(scheduler.init_noise_sigma)
        first = draws()
        if strength is None:
            x = first * init
        else:  # StableDiffusionImg2ImgPipeline.get_timesteps and prepare_latents
            begin = max(steps - min(int(steps * strength), steps), 0) * scheduler.order
            timesteps = timesteps[begin:]
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(begin)
            x = scheduler.add_noise(k["x0"].expand(SHAPE), first, timesteps[:1].repeat(SHAPE[0]))
        samples = [x]
        for t in timesteps:
            given = scheduler.scale_model_input(x, t)
            s = t.to(given.dtype)
            output = 0.8 * torch.tanh(k["a"] * given + k["b"]) + 0.2 * torch.sin(s / 100 + k["c"])
            if config.get("variance_type") == "learned_range":
                v = torch.tanh(0.5 * given + k["c"]) * torch.cos(s / 200)
                output = torch.cat([output, v], dim=1)
            x = scheduler.step(output, t, x, return_dict=False)[0]
            samples.append(x)
    tensors = {"timesteps": timesteps.double(), "samples": torch.stack(samples)}
    if hasattr(scheduler, "sigmas"):
        tensors["sigmas"] = scheduler.sigmas.double()
    assert all(t.isfinite().all() for t in tensors.values()), (name, config, steps)
    return tensors, init


def main():
    k = coefficients()
    g = torch.Generator().manual_seed(11)
    noise = torch.randn((DRAWS,) + SHAPE, generator=g, dtype=torch.float64)
    single, single_noise = {n: t.float() for n, t in k.items()}, noise.float()
    tensors = {f"coefficients.{n}": t for n, t in k.items()} | {"noise": noise}
    metadata = {"network": NETWORK, "reference": "diffusers 0.36.0"}
    for config_name, config in CONFIGS.items():
        metadata[f"config.{config_name}"] = json.dumps(config, sort_keys=True)
        for name in CLASSES:
            if name not in ONLY.get(config_name, CLASSES) or name in NOT.get(config_name, []):
                continue
            runs = [(n, None) for n in STEPS] + STRENGTHS.get(config_name, [])
            for steps, strength in runs:
                case = f"{config_name}.{name}.{steps}" + (f".{strength}" if strength else "")
                with doubled():
                    results, init = run(name, config, steps, k, noise, strength)
                assert results["samples"].dtype == torch.float64
                for key, tensor in results.items():
                    tensors[f"{case}.{key}"] = tensor.contiguous()
                metadata[case] = json.dumps(
                    dict(config=config_name, sampler=name, steps=steps, strength=strength, init_noise_sigma=init)
                )
            if config_name in ("sd1", "sd2", "xl", "karras", "zero-snr"):  # as it really is
                results, _ = run(name, config, 25, single, single_noise)
                for key, tensor in results.items():
                    tensor = tensor[-1] if key == "samples" else tensor
                    tensors[f"float32.{config_name}.{name}.{key}"] = tensor.float().contiguous()
    for steps in (48, 96, 112, 304):  # numbers that lie halfway
        tensors[f"trailing.{steps}"] = torch.from_numpy(np.arange(1000, 0, -1000 / steps).round() - 1)[:steps]
    text, plain = noise[0], noise[1] * 0.7
    tensors["rescale.result"] = rescale_noise_cfg(plain + 7.5 * (text - plain), text, guidance_rescale=0.7)
    save_file(tensors, os.path.join(HERE, "diffusers.safetensors"), metadata)
    print(len(metadata), "runs")


if __name__ == "__main__":
    main()
