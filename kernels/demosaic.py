"""Demosaicing as sums of neighbours: how a pixel's missing colours are made from those around it.

Around each pixel six sums are taken, each over pixels of one colour: the pixel itself, its neighbours left and right,
above and below, its diagonal neighbours, the pixels two away left and right, and two away above and below. Each colour
is a weighted sum of the six, with weights that depend on the pixel's place in the mosaic.

Sources: Malvar, He, Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images",
ICASSP 2004, figure 2; bilinear interpolation is the mean of the nearest pixels of a colour.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .mosaic import BLUE, CLEAR, GREEN, RED, site_colors

SUM_SIZES: Final = (1.0, 2.0, 2.0, 4.0, 2.0, 2.0)
"""How many pixels each of the six sums is over: itself, row, column, diagonal, row two away, column two away."""
_STEPS: Final = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 0))


@functools.lru_cache(maxsize=64)
def sum_colors(mosaic: str, tall: bool, wide: bool) -> tuple[tuple[int, ...], ...]:
    """Return the colour of each of the six sums at the four pixels of a mosaic.

    Args:
        mosaic: Name of the mosaic.
        tall: Whether the image has more than one line; if not, its pixels stand for those above and below.
        wide: Likewise for columns.
    """
    colors = site_colors(mosaic)
    return tuple(
        tuple(colors[((site >> 1) ^ (dy & tall)) * 2 + ((site & 1) ^ (dx & wide))] for dy, dx in _STEPS)
        for site in range(4)
    )


@functools.lru_cache(maxsize=32)
def demosaic_weights(mosaic: str, method: str) -> NDArray[np.float64]:
    """Return the weights of the six sums in each colour plane at the four pixels of a mosaic.

    Args:
        mosaic: Name of the mosaic. Where it has clear pixels, these are the second plane, in the place of green; where
            it has no others, they are all three.
        method: "bilinear" or "malvar".

    Returns:
        Weights, shape (4, 3, 6).
    """
    weights = np.zeros((4, 3, 6))
    planes = [GREEN if color == CLEAR else color for color in site_colors(mosaic)]
    for site, own in enumerate(planes):
        if mosaic == "mono":
            weights[site, :, 0] = 1.0
            continue
        weights[site, own, 0] = 1.0
        if own == GREEN:
            along, across = planes[site ^ 1], planes[site ^ 2]
            if method == "bilinear":
                weights[site, along, 1] = weights[site, across, 2] = 0.5
            else:
                weights[site, along] = 0.625, 0.5, 0.0, -0.125, -0.125, 0.0625
                weights[site, across] = 0.625, 0.0, 0.5, -0.125, 0.0625, -0.125
        else:
            opposite = RED + BLUE - own
            if method == "bilinear":
                weights[site, GREEN, 1] = weights[site, GREEN, 2] = weights[site, opposite, 3] = 0.25
            else:
                weights[site, GREEN] = 0.5, 0.25, 0.25, 0.0, -0.125, -0.125
                weights[site, opposite] = 0.75, 0.0, 0.0, 0.25, -0.1875, -0.1875
    weights.flags.writeable = False
    return weights
