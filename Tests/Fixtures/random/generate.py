"""What PyTorch's CPU generator draws (see README.md).

    python generate.py

Versions: Python 3.11, torch 2.13.0 (CPU), safetensors 0.8.0 (requirements.txt).
"""

import os
import sys

import torch as th

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "glide"))

from reference import save  # noqa: E402

SEEDS = [0, 1, 42, 2**31, 2**63 - 1, 2**64 - 1]
# Under 16 numbers normal draws go one by one, from 16 on in blocks of 16 with the last block drawn again.
SHAPES = [(1,), (2,), (7,), (15,), (16,), (17,), (31,), (32,), (33,), (1, 3, 5, 7), (2, 4, 8, 8), (1000,)]
TYPES = [th.float32, th.float64, th.float16, th.bfloat16]


def name(*parts):
    return ".".join("x".join(map(str, p)) if isinstance(p, tuple) else str(p).removeprefix("torch.") for p in parts)


def single_draws():
    """Each with a fresh generator: KIND.TYPE.SEED.SHAPE."""
    tensors = {}
    for seed in SEEDS:
        fresh = lambda: th.Generator().manual_seed(seed)  # noqa: B023, E731
        for shape in SHAPES:
            if len(shape) > 1 or shape[0] == 1000:
                if seed not in (0, 42):
                    continue
            for dtype in TYPES:
                tensors[name("randn", dtype, seed, shape)] = th.randn(shape, generator=fresh(), dtype=dtype)
                tensors[name("rand", dtype, seed, shape)] = th.rand(shape, generator=fresh(), dtype=dtype)
        for low, high in ((0, 2), (0, 1000), (-5, 5), (0, 2**28 - 1), (0, 2**28), (0, 2**31), (0, 2**32 + 1), (0, 2**40)):
            tensors[name("randint", seed, low, high)] = th.randint(low, high, (20,), generator=fresh())
        for n in (1, 2, 5, 16, 100, 1000):
            tensors[name("randperm", seed, n)] = th.randperm(n, generator=fresh())
    return tensors


def sequences():
    """Draws one after another from one generator: SEQUENCE.k. Each kind leaves the generator in another state;
    a lone normal number keeps its partner for the next draw."""
    tensors = {}
    plans = {
        "pictures": [("randn", (1, 3, 4, 4))] * 3,
        "odd": [("randn", (1,)), ("randn", (1,)), ("randn", (3,)), ("randn", (20,)), ("randn", (1,)), ("rand", (3,))],
        "mixed": [
            ("rand", (5,)), ("randn", (5,)), ("randint", (5,)), ("randn", (16,)), ("randperm", (9,)), ("randn", (5,)),
            ("rand", (17,)), ("randn", (17,)),
        ],
    }  # fmt: skip
    for plan, draws in plans.items():
        g = th.Generator().manual_seed(42)
        for k, (kind, shape) in enumerate(draws):
            if kind == "randint":
                value = th.randint(0, 1000, shape, generator=g)
            elif kind == "randperm":
                value = th.randperm(shape[0], generator=g)
            else:
                value = getattr(th, kind)(shape, generator=g)
            tensors[f"{plan}.{k}.{kind}"] = value
    return tensors


def state():
    """A generator's state after some draws, and what it draws next."""
    g = th.Generator().manual_seed(42)
    th.randn(3, generator=g)
    th.rand(5, generator=g)
    saved = g.get_state()
    return {"state": saved, "state.next.randn": th.randn(3, generator=g), "state.next.rand": th.rand(3, generator=g)}


def main():
    cpu = th.backends.cpu.get_cpu_capability()
    metadata = {"cpu_capability": cpu}
    save(os.path.join(HERE, "draws.safetensors"), single_draws(), metadata)
    save(os.path.join(HERE, "sequences.safetensors"), {**sequences(), **state()}, metadata)


if __name__ == "__main__":
    main()
