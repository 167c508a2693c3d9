"""Golden values of k-diffusion's adapters from discrete-time networks to D(x, sigma) (see README.md).

    python generate.py --k-diffusion K-DIFFUSION-CHECKOUT

Versions: Python 3.11, torch 2.13.0 (CPU), numpy 2.4.6, scipy 1.17.1, safetensors 0.8.0 (requirements.txt).
"""

import argparse
import importlib
import os
import sys

import numpy as np
import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import import_k_diffusion_sampling, save, source_hashes  # noqa: E402


def import_adapters(path):
    """`k_diffusion/external.py`; what it imports of its package came with `sampling.py`."""
    import_k_diffusion_sampling(path)
    return importlib.import_module("k_diffusion.external")


def network(x, t):
    t = t.double()[:, None, None, None]
    return 0.7 * th.tanh(1.3 * x + 0.2) + 0.3 * th.sin(t / 50)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k-diffusion", required=True)
    path = parser.parse_args().k_diffusion
    # float64 throughout: `t_to_sigma` would narrow its times.
    th.Tensor.float = th.Tensor.double
    th.set_default_dtype(th.float64)
    external = import_adapters(path)

    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2
    alpha_bar = th.from_numpy(np.cumprod(1 - betas))
    sigma = th.tensor([0.001, 0.0292, 0.03, 0.1, 0.77, 1.0, 5.3, 14.0, 14.6146, 40.0])
    noise = th.randn((len(sigma), 2, 3, 3), generator=th.Generator().manual_seed(3))
    x = noise * (1 + sigma[:, None, None, None] ** 2) ** 0.5
    times = th.tensor([0.0, 0.5, 1.0, 10.25, 333.3, 998.0, 998.999, 999.0])
    tensors = {"x": x, "sigma": sigma, "times": times}
    for name, adapter in {"noise": external.DiscreteEpsDDPMDenoiser, "velocity": external.DiscreteVDDPMDenoiser}.items():
        for quantize in (False, True):
            model = adapter(network, alpha_bar, quantize)
            key = f"{name}.{'rounded' if quantize else 'interpolated'}"
            tensors[f"{key}.denoised"] = model(x, sigma)
            tensors[f"{key}.sigma_to_t"] = model.sigma_to_t(sigma).double()
    tensors["t_to_sigma"] = model.t_to_sigma(times)
    for n in (1, 2, 10, 33):
        tensors[f"get_sigmas.{n}"] = model.get_sigmas(n)
    save(
        os.path.join(HERE, "k_diffusion.safetensors"),
        tensors,
        {"reference": source_hashes(path, ["k_diffusion/external.py"])},
    )


if __name__ == "__main__":
    main()
