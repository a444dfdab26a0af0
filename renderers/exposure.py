"""Exposure: radiance as pictures for people and networks, each view with a white of its own."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import Kernel, scalar
from .raster.display import FLOORS, STEPS, encode_srgb

SHARE: Final = 0.8
"""Linear value that the 95th percentile of a metered picture gets."""


@scalar
def _encode_row(
    index: int, rows: Any, white_in: Any, steps_in: Any, floors_in: Any, colour_in: Any, srgb_out: Any
) -> None:
    white = white_in[index // rows]
    for i in range(colour_in.shape[1]):
        srgb_out[index, i] = encode_srgb(np.float32(colour_in[index, i] / white), steps_in, floors_in)


_ENCODE_ROW: Final = Kernel(_encode_row)


def meter_white(colour: NDArray[np.floating[Any]]) -> float:
    """Return the radiance that is to become white: four fifths of it are the picture's 95th percentile.

    Args:
        colour: Radiance [W/(sr m^2)], any shape.

    Returns:
        A radiance [W/(sr m^2)], > 0.
    """
    return float(np.float32(max(float(np.percentile(colour, 95.0)) / SHARE, 1e-9)))


def expose(
    colour: NDArray[np.float32], white: NDArray[np.float32], *, device: str = "cpu", threads: int | None = None
) -> NDArray[np.uint8]:
    """Encode radiance as sRGB bytes.

    Args:
        colour: Radiance [W/(sr m^2)], shape (V, height, width, 3).
        white: Radiance of each view that becomes 255 [W/(sr m^2)], shape (V,), > 0.
        device: `cpu` or `cuda`.
        threads: CPU threads; None for all.

    Returns:
        sRGB bytes, of the shape of `colour`.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if colour.ndim != 4 or white.shape != colour.shape[:1]:
        raise ValueError(f"colour must be (V, height, width, 3) and white (V,), got {colour.shape} and {white.shape}")
    views, height, width, channels = colour.shape
    out = np.empty(colour.shape, np.uint8)
    rows, size = views * height, width * channels
    _ENCODE_ROW.launch(
        rows,
        np.int64(height),
        np.ascontiguousarray(white, np.float32),
        STEPS,
        FLOORS,
        np.ascontiguousarray(colour, np.float32).reshape(rows, size),
        out.reshape(rows, size),
        device=device,
        threads=threads,
    )
    return out
