"""Golden distances between sets of features (see README.md).

    pip install -r requirements.txt && python generate.py

Versions: Python 3.11, numpy 2.4.6, scipy 1.17.1.
"""

import json
import pathlib

import numpy as np
import scipy.linalg


def frechet(x, y):
    """Heusel et al. 2017, with the matrix square root of the product itself."""
    root = scipy.linalg.sqrtm(np.cov(x, rowvar=False) @ np.cov(y, rowvar=False))
    apart = x.mean(0) - y.mean(0)
    return float(apart @ apart + np.trace(np.cov(x, rowvar=False) + np.cov(y, rowvar=False) - 2 * np.real(root)))


def discrepancy(x, y):
    """Binkowski et al. 2018: unbiased squared MMD, polynomial kernel of degree 3, written as sums over pairs."""
    kernel = lambda a, b: (a @ b / len(a) + 1) ** 3
    n, m = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    xy = sum(kernel(a, b) for a in x for b in y) / (n * m)
    return float(xx + yy - 2 * xy)


def main():
    random = np.random.default_rng(5)
    width = 7

    def features(count):
        """As an embedding gives them: correlated, of length 1, in float32."""
        raw = random.standard_normal((count, width)) @ random.standard_normal((width, width)) + random.standard_normal(width)
        return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)

    cases = {}
    # "few" has fewer rows than columns on one side: its covariance has no inverse.
    for name, (n, m) in {"many": (50, 64), "few": (5, 40), "two": (2, 2)}.items():
        x, y = features(n), features(m)
        wide = (x.astype(np.float64), y.astype(np.float64))
        size = min(n, m, 20)
        parts = [(random.permutation(n)[:size], random.permutation(m)[:size]) for _ in range(8)]
        estimates = [discrepancy(wide[0][a], wide[1][b]) for a, b in parts]
        cases[name] = {
            "width": width,
            "x": x.flatten().tolist(),
            "y": y.flatten().tolist(),
            "frechet": frechet(*wide),
            "discrepancy": discrepancy(*wide),
            "parts": [{"x": a.tolist(), "y": b.tolist()} for a, b in parts],
            "kernel": {
                "value": float(np.mean(estimates)),
                "error": float(np.std(estimates, ddof=1) / np.sqrt(len(estimates))),
            },
        }
    path = pathlib.Path(__file__).parent / "distances.json"
    path.write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
