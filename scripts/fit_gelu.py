"""Fit the polynomial of `makemore.inference.base.gelu`, and print its coefficients and the largest error.

    uv run python scripts/fit_gelu.py

Phi(x), the normal distribution, is (1 + tanh(x q(x^2))) / 2. q is fitted from 0 to 6, where the error of
x Phi(x) counts; places where it is large weigh more in the next round.
"""

from __future__ import annotations

import math

import numpy as np

ROUNDS, DEGREE, END = 200, 6, 6.0


def main() -> None:
    """Fit and print."""
    x = np.linspace(0, END, 20_001)[1:]
    phi, rest = (np.array([math.erfc(sign * v / math.sqrt(2)) / 2 for v in x]) for sign in (-1, 1))
    q = np.log(phi / rest) / 2 / x  # atanh(2 phi - 1) / x
    weights = 2 * x * x * phi * rest  # how far q changes x phi
    powers = np.vander(x * x, DEGREE + 1, increasing=True)
    for _ in range(ROUNDS):
        coefficients = np.linalg.lstsq(powers * weights[:, None], q * weights)[0]
        error = np.abs(x * (1 + np.tanh(x * (powers @ coefficients))) / 2 - x * phi)
        weights *= np.sqrt(0.5 + error / error.max())
    print(", ".join(f"{c:.9g}" for c in coefficients))
    print(f"largest error: {error.max():.2g}")


if __name__ == "__main__":
    main()
