"""Tukey's lambda distribution: read noise with heavier or lighter tails than the normal's, from one random word.

    Q(u) = (u^l - (1 - u)^l) / l

Sources: Hastings, Mosteller, Tukey, Winsor, "Low moments for small samples", Annals of Mathematical Statistics 18(3),
1947; Wei, Fu, Yang, Huang, "A physics-based noise formation model for extreme low-light raw denoising", CVPR 2020 (the
distribution as a model of read noise).
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

from .device import scalar
from .powers import exp2, log2
from .variates import uniform64

_CELLS: Final = 8


@scalar(forceinline=True)
def tukey(word: Any, shape: Any) -> Any:
    """Return a float64 of Tukey's lambda distribution times its shape, from one word.

    Args:
        word: uint64 below 2^32; u = (word + 1/2) 2^-32.
        shape: lambda, not 0.
    """
    u = uniform64(word)
    return exp2(shape * log2(u)) - exp2(shape * log2(1.0 - u))


@functools.lru_cache(maxsize=256)
def tukey_deviation(shape: float) -> float:
    """Return the standard deviation of what `tukey` returns, with the sign of the shape.

    A word reaches no further than 2^-33 into the tails: with a shape near -1/2 the distribution's own formula, 2
    (1 / (1 + 2 l) - G(l + 1)^2 / G(2 l + 2)), counts tails that are never drawn.

    Args:
        shape: lambda above -1/2, not 0.
    """
    # Over the binary octaves of the lower tail, Boole's rule in cells of each: the integrand is smooth in log u.
    weights = (7.0, 32.0, 12.0, 32.0, 7.0)
    total = 0.0
    for octave in range(32):
        low = 2.0 ** (octave - 33)
        for cell in range(_CELLS):
            part = 0.0
            for k, weight in enumerate(weights):
                u = low * (1.0 + (cell + k / 4.0) / _CELLS)
                part += weight * (u**shape - (1.0 - u) ** shape) ** 2
            total += part / 90.0 * low / _CELLS
    return math.copysign(math.sqrt(2.0 * total), shape)
