"""Occlusion cells: a CUDA thread for each cell of the coarse grid, from the functions that take rows on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from ...kernels.local_arrays import local_floats
from ...kernels.variants import vary
from .occlusion import occlude_cells, weigh_depth

F0 = np.float32(0.0)
FIELDS = 8
"""Numbers that the search keeps for each cell."""


@scalar
def _occlude_cell(
    index: int, columns: int, rows: int, stride: int, pad: int, radius: Any, camera_in: Any, tap_in: Any, near_in: Any,
    open_out: Any,
) -> None:  # fmt: skip
    """Write one cell of the coarse grid: the share of the sky that is open."""
    occlude_cells(
        index // columns, index % columns, 1, columns, rows, stride, pad, radius, camera_in, tap_in, near_in,
        local_floats(FIELDS), open_out,
    )  # fmt: skip


@scalar
def _smooth_cell(index: int, columns: int, rows: int, pad: int, near_in: Any, open_in: Any, smooth_out: Any) -> None:
    """Write the mean over 5x5 cells around one, weighted by how alike their depths are."""
    line, column = index // columns, index % columns
    view, row = line // rows, line % rows
    pitch = columns + 2 * pad
    here = near_in[np.uint64((line + 2 * view + 1) * pitch + pad + column)]
    total, weights = F0, F0
    for down in range(max(-2, -row), min(3, rows - row)):
        for right in range(max(-2, -column), min(3, columns - column)):
            there = near_in[np.uint64((line + down + 2 * view + 1) * pitch + pad + column + right)]
            weight = weigh_depth(here, there)
            total += weight * open_in[np.uint64((line + down) * columns + column + right)]
            weights += weight
    smooth_out[np.uint64(index)] = total / weights


OCCLUDE_CELL = Kernel(vary(_occlude_cell, {"BLOCK": 1}))
SMOOTH_CELL = Kernel(_smooth_cell)
