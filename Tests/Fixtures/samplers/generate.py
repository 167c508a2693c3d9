"""Golden sampling trajectories from glide-text2im and k-diffusion, in double precision (see README.md).

    python generate.py --glide GLIDE-CHECKOUT --k-diffusion K-DIFFUSION-CHECKOUT

The networks are closed formulas, so that another implementation needs nothing but this folder.
Versions: Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6, scipy 1.17.1, safetensors 0.8.0 (requirements.txt).
"""

import argparse
import os
import sys
from unittest import mock

import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import import_glide, import_k_diffusion_sampling, save, source_hashes  # noqa: E402

SHAPE = (2, 3, 4, 4)
SEED = 11
NETWORK = "m(x, t) = 0.8 tanh(a x + b) + 0.2 sin(t / 100 + c); v(x, t) = tanh(0.5 x + c) cos(t / 200)"
DENOISER = "D(x, sigma) = (x + sigma^2 tanh(a x + b)) / (1 + sigma^2)"
CONDITION = "gradient(x, t) = target - x"


def coefficients():
    """Numbers per element, [3, 4, 4], the same for every picture of the batch."""
    g = th.Generator().manual_seed(5)
    draw = lambda: th.rand(SHAPE[1:], generator=g, dtype=th.float64)  # noqa: E731
    return {
        "a": 0.5 + draw(),
        "b": draw() - 0.5,
        "c": 6 * draw(),
        "target": 2 * draw() - 1,
        "known": 2 * draw() - 1,
        "mask": (draw() < 0.5).double(),
    }


class Draws:
    """Stands in for torch's draws, in double precision, and keeps them in order."""

    def __init__(self):
        self.generator = th.Generator().manual_seed(SEED)
        self.noise = []

    def __call__(self, *args, **kwargs):
        self.noise.append(th.randn(SHAPE, generator=self.generator, dtype=th.float64))
        return self.noise[-1]


# name: (loop, prediction, variance, clip, schedule, respacing, extras)
GLIDE_CASES = {
    "ddpm.noise.learned.clip": ("ddpm", "noise", "learned", True, "squaredcos_cap_v2", "10", {}),
    "ddpm.noise.learned.free": ("ddpm", "noise", "learned", False, "linear", "10", {}),
    "ddpm.noise.small.clip": ("ddpm", "noise", "small", True, "squaredcos_cap_v2", "10", {}),
    "ddpm.noise.small.free": ("ddpm", "noise", "small", False, "linear", "10", {}),
    "ddpm.noise.large.clip": ("ddpm", "noise", "large", True, "squaredcos_cap_v2", "10", {}),
    "ddpm.noise.large.free": ("ddpm", "noise", "large", False, "linear", "10", {}),
    "ddpm.x0.learned.clip": ("ddpm", "x0", "learned", True, "squaredcos_cap_v2", "10", {}),
    "ddpm.x0.small.free": ("ddpm", "x0", "small", False, "linear", "10", {}),
    "ddpm.v.learned.clip": ("ddpm", "v", "learned", True, "squaredcos_cap_v2", "10", {}),
    "ddpm.v.small.free": ("ddpm", "v", "small", False, "squaredcos_cap_v2", "10", {}),
    "ddpm.noise.learned.inpaint": ("ddpm", "noise", "learned", True, "squaredcos_cap_v2", "10", {"inpaint": True}),
    "ddpm.noise.learned.gradient": ("ddpm", "noise", "learned", True, "squaredcos_cap_v2", "10", {"gradient": True}),
    "ddim.noise.clip.eta0": ("ddim", "noise", "learned", True, "squaredcos_cap_v2", "10", {"eta": 0.0}),
    "ddim.noise.clip.eta0.5": ("ddim", "noise", "learned", True, "squaredcos_cap_v2", "10", {"eta": 0.5}),
    "ddim.noise.clip.eta1": ("ddim", "noise", "learned", True, "squaredcos_cap_v2", "10", {"eta": 1.0}),
    "ddim.noise.free.eta0": ("ddim", "noise", "learned", False, "linear", "10", {"eta": 0.0}),
    "ddim.noise.free.eta1": ("ddim", "noise", "learned", False, "linear", "10", {"eta": 1.0}),
    "ddim.x0.clip.eta0": ("ddim", "x0", "learned", True, "squaredcos_cap_v2", "10", {"eta": 0.0}),
    "ddim.v.clip.eta0.5": ("ddim", "v", "learned", True, "squaredcos_cap_v2", "10", {"eta": 0.5}),
    "ddim.noise.clip.fast27": ("ddim", "noise", "learned", True, "linear", "fast27", {"eta": 0.0}),
    "ddim.noise.clip.gradient": (
        "ddim", "noise", "learned", True, "squaredcos_cap_v2", "10", {"eta": 0.0, "gradient": True},
    ),
}  # fmt: skip


def glide_trajectories(glide):
    from glide_text2im.gaussian_diffusion import GaussianDiffusion, get_named_beta_schedule
    from glide_text2im.model_creation import create_gaussian_diffusion

    k = coefficients()
    tensors = {f"coefficients.{n}": v for n, v in k.items()}
    metadata = {
        "reference": source_hashes(glide, ["glide_text2im/gaussian_diffusion.py", "glide_text2im/respace.py"]),
        "network": NETWORK,
        "gradient": CONDITION,
    }
    for name, (loop, prediction, variance, clip, schedule, spec, extras) in GLIDE_CASES.items():
        diffusion = create_gaussian_diffusion(1000, schedule, spec)
        whole = GaussianDiffusion(betas=get_named_beta_schedule(schedule, 1000))
        alpha_bar = th.from_numpy(whole.alphas_cumprod)

        def network(x, t):
            """Six channels as the reference wants them: noise, and the variance's fraction.

            It knows neither other predictions nor fixed variances: those are rewritten here, x0 and v as the noise
            they imply, small and large variance as the ends of the learned range. (At step 0, where large differs
            from guided-diffusion's, no noise is added.)
            """
            s = t.double()[:, None, None, None]
            ab = alpha_bar[t][:, None, None, None]
            m = 0.8 * th.tanh(k["a"] * x + k["b"]) + 0.2 * th.sin(s / 100 + k["c"])
            if prediction == "x0":
                m = (x - ab.sqrt() * m) / (1 - ab).sqrt()
            elif prediction == "v":
                m = ab.sqrt() * m + (1 - ab).sqrt() * x
            if variance == "learned":
                v = th.tanh(0.5 * x + k["c"]) * th.cos(s / 200)
            else:
                v = th.full_like(x, 1.0 if variance == "large" else -1.0)
            return th.cat([m, v], dim=1)

        options = dict(clip_denoised=clip, device="cpu", model_kwargs={})
        if extras.get("inpaint"):
            options["denoised_fn"] = lambda x0: x0 * (1 - k["mask"]) + k["known"] * k["mask"]
        if extras.get("gradient"):
            options["cond_fn"] = lambda x, t: k["target"] - x
        if loop == "ddim":
            options["eta"] = extras["eta"]
        f = diffusion.p_sample_loop_progressive if loop == "ddpm" else diffusion.ddim_sample_loop_progressive
        draws = Draws()
        initial = draws()
        # `.float()` in the reference would throw away half of the digits.
        with mock.patch.object(th.Tensor, "float", th.Tensor.double), mock.patch.object(th, "randn_like", draws):
            steps = list(f(network, SHAPE, noise=initial, **options))
        tensors.setdefault("initial_noise", initial)
        shared = f"noise.{len(steps)}"
        noise = th.stack(draws.noise[1:])
        assert th.equal(tensors.setdefault(shared, noise), noise) and th.equal(tensors["initial_noise"], initial)
        tensors[f"{name}.timesteps"] = th.tensor(diffusion.timestep_map[::-1])
        tensors[f"{name}.samples"] = th.stack([s["sample"] for s in steps])
        tensors[f"{name}.pred_xstart"] = th.stack([s["pred_xstart"] for s in steps])
        assert tensors[f"{name}.samples"].dtype == th.float64
        metadata[name] = dict(
            sampler=loop, prediction=prediction, variance=variance, clip_denoised=clip, schedule=schedule,
            respacing=spec, **extras,
        )  # fmt: skip
        largest = tensors[f"{name}.samples"].abs().amax()
        free = (tensors[f"{name}.pred_xstart"].abs() < 1).double().mean()
        print(f"{name}: largest {largest:.3g}, inside (-1, 1): {free:.2f}")
    save(os.path.join(HERE, "glide.safetensors"), tensors, metadata)


CHURN = dict(s_churn=4.0, s_tmin=0.05, s_tmax=50.0, s_noise=1.003)
K_CASES = {
    "euler": ("sample_euler", {}),
    "euler.churn": ("sample_euler", CHURN),
    "euler_ancestral": ("sample_euler_ancestral", {}),
    "euler_ancestral.eta0.5": ("sample_euler_ancestral", dict(eta=0.5, s_noise=1.1)),
    "heun": ("sample_heun", {}),
    "heun.churn": ("sample_heun", CHURN),
    "dpm_2": ("sample_dpm_2", {}),
    "dpm_2_ancestral": ("sample_dpm_2_ancestral", {}),
    "lms": ("sample_lms", {}),
    "dpmpp_2s_ancestral": ("sample_dpmpp_2s_ancestral", {}),
    "dpmpp_sde": ("sample_dpmpp_sde", {}),
    "dpmpp_2m": ("sample_dpmpp_2m", {}),
    "dpmpp_2m_sde.midpoint": ("sample_dpmpp_2m_sde", dict(solver_type="midpoint")),
    "dpmpp_2m_sde.heun": ("sample_dpmpp_2m_sde", dict(solver_type="heun")),
    "dpmpp_2m_sde.eta0.5": ("sample_dpmpp_2m_sde", dict(solver_type="midpoint", eta=0.5)),
    "dpmpp_3m_sde": ("sample_dpmpp_3m_sde", {}),
}


def k_diffusion_trajectories(path):
    sampling = import_k_diffusion_sampling(path)
    k = coefficients()
    th.set_default_dtype(th.float64)
    sigmas = sampling.get_sigmas_karras(10, 0.0292, 14.6146)
    th.set_default_dtype(th.float32)
    tensors = {"coefficients.a": k["a"], "coefficients.b": k["b"], "sigmas": sigmas}
    metadata = {
        "reference": source_hashes(path, ["k_diffusion/sampling.py"]),
        "denoiser": DENOISER,
        "sigmas": "karras, n = 10, 0.0292 to 14.6146, rho 7, then 0",
    }

    def denoiser(x, sigma):
        s2 = sigma[:, None, None, None] ** 2
        return (x + s2 * th.tanh(k["a"] * x + k["b"])) / (1 + s2)

    longest = []
    for name, (function, options) in K_CASES.items():
        draws, seen = Draws(), []
        initial = draws()
        keywords = dict(options)
        if function.endswith("_sde"):  # instead of a Brownian tree
            keywords["noise_sampler"] = draws
        with mock.patch.object(th, "randn_like", draws):
            output = getattr(sampling, function)(
                denoiser, initial * sigmas[0], sigmas, callback=seen.append, disable=True, **keywords
            )
        tensors.setdefault("initial_noise", initial)
        assert output.dtype == th.float64 and len(seen) == len(sigmas) - 1
        noise = draws.noise[1:]
        longest = max(longest, noise, key=len)
        tensors[f"{name}.x"] = th.stack([s["x"] for s in seen])
        tensors[f"{name}.denoised"] = th.stack([s["denoised"] for s in seen])
        tensors[f"{name}.output"] = output
        metadata[name] = dict(function=function, draws=len(noise), **options)
        print(f"{name}: {len(noise)} draws, deviation {output.std():.4f}")
    tensors["noise"] = th.stack(longest)
    save(os.path.join(HERE, "k_diffusion.safetensors"), tensors, metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--glide", required=True)
    parser.add_argument("--k-diffusion", required=True)
    arguments = parser.parse_args()
    import_glide(arguments.glide)
    glide_trajectories(arguments.glide)
    k_diffusion_trajectories(arguments.k_diffusion)


if __name__ == "__main__":
    main()
