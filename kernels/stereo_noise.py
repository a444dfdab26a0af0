"""Noise of a block matcher: of unit variance at every pixel, and correlated over the matcher's support.

Normals stand on a coarse grid and are interpolated linearly; each weight is divided by the root of the weights'
squares, so that the variance is one between the nodes too. A noise line is a line of nodes, already interpolated along
x; a pixel adds two of them.

Draws: block 0 of the caller's stream, one per node column and four node lines.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .philox import draw_block
from .variates import normal

BLOCK: Final = 0
"""Draw block of the grid."""


@scalar
def _noise_lines(
    item: Any, row_in: Any, which_in: Any, cell_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any,
    groups: Any, noise_out: Any,
) -> None:  # fmt: skip
    image = item // groups
    group = item - image * groups
    which = which_in[image]
    cell = cell_in[which]
    width = noise_out.shape[1]
    first = (image * groups + group) * 4
    n0, n1, n2, n3 = 0.0, 0.0, 0.0, 0.0
    for column in range((width - 1) // cell + 2):
        w0, w1, w2, w3 = draw_block(key_0, key_1, (group << 16) | column, row_in[image], sensor, BLOCK)
        m0, m1, m2, m3 = normal(w0), normal(w1), normal(w2), normal(w3)
        if column > 0:
            start = (column - 1) * cell
            for k in range(min(cell, width - start)):
                left, right = weight_in[which, k, 0], weight_in[which, k, 1]
                noise_out[first, start + k] = np.float32(left * n0 + right * m0)
                noise_out[first + 1, start + k] = np.float32(left * n1 + right * m1)
                noise_out[first + 2, start + k] = np.float32(left * n2 + right * m2)
                noise_out[first + 3, start + k] = np.float32(left * n3 + right * m3)
        n0, n1, n2, n3 = m0, m1, m2, m3


NOISE: Final = Kernel(_noise_lines)
"""Launch over images times `noise_groups`: four noise lines for each."""


def noise_groups(height: int, cell: int) -> int:
    """Return how many groups of four noise lines an image takes whose cells are at least so high."""
    return ((height - 1) // cell + 2 + 3) // 4


@functools.lru_cache(maxsize=16)
def cell_weights(cell: int) -> NDArray[np.float64]:
    """Return the weights of the nodes on either side of a cell's pixels, shape (cell, 2); their squares add to one."""
    weights = np.empty((cell, 2))
    for k in range(cell):
        t = k / cell
        length = math.sqrt((1.0 - t) * (1.0 - t) + t * t)
        weights[k] = ((1.0 - t) / length, t / length)
    weights.flags.writeable = False
    return weights
