"""Display: radiance as sRGB bytes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from ..textures import srgb_to_linear
from .chunk import Chunk
from .spans import locate_span, share_out

F0 = np.float32(0.0)
FIRST: Final = np.uint32(114 << 8)
"""Upper 17 bits of the float32 2^-13, which is below the first step."""
LAST: Final = np.uint32(127 << 8)
"""The same of 1."""


def _tabulate_steps() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the smallest value that rounds up to each byte, and the byte of each run of floats' first value.

    A run are the floats that share their upper 17 bits; it is too short for two steps.
    """
    steps = np.full(257, np.inf, np.float32)
    steps[0] = 0.0
    steps[1:256] = srgb_to_linear((np.arange(1, 256) - 0.5) / 255.0)
    runs = (np.arange(int(FIRST), int(LAST) + 1, dtype=np.uint32) << 15).view(np.float32)
    return steps, (np.searchsorted(steps, runs, side="right") - 1).astype(np.uint8)


TABLES = _tabulate_steps()
STEPS, FLOORS = TABLES


@scalar
def encode_srgb(value: Any, steps_in: Any, floors_in: Any) -> int:
    """Return the sRGB byte of a float32 linear value, rounded to the nearest; values outside [0, 1] are clipped."""
    if not value > F0:
        return 0
    run = np.uint32(np.float32(value).view(np.uint32) >> np.uint32(15))
    if run < FIRST:
        return 0
    if run >= LAST:
        return 255
    floor = int(floors_in[np.int64(run - FIRST)])
    return floor + 1 if value >= steps_in[floor + 1] else floor


@scalar
def _encode(index: int, span: int, white: Any, steps_in: Any, floors_in: Any, colour_in: Any, srgb_out: Any) -> None:
    row, begin, end = locate_span(index, span, colour_in.shape[1])
    for i in range(begin, end):
        srgb_out[row, i] = encode_srgb(np.float32(colour_in[row, i] / white), steps_in, floors_in)


ENCODE = Kernel(_encode)


def fill_srgb(chunk: Chunk, colour: NDArray[np.float32], white: float, srgb: NDArray[np.uint8]) -> None:
    """Encode the colour of a chunk.

    Args:
        chunk: Where kernels are launched.
        colour: Radiance [W/(sr m^2)], shape (V, L, height, width, 3).
        white: Radiance that becomes 255 [W/(sr m^2)].
        srgb: Output, of the same shape.
    """
    rows, size = chunk.view_count * chunk.looks * chunk.height, 3 * chunk.width
    steps, floors = chunk.workspace.hold("srgb", TABLES)
    chunk.launch(
        ENCODE, *share_out(chunk, rows, size), np.float32(white), steps, floors, colour.reshape(rows, size),
        srgb.reshape(rows, size),
    )  # fmt: skip
