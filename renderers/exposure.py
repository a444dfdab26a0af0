"""Exposure: radiance as pictures for people and networks, each view with a white of its own."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import Kernel, scalar
from ..kernels.tensors import find_place
from ..kernels.transfer import to_host
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


@scalar
def _encode_value(
    index: int, size: int, white_in: Any, steps_in: Any, floors_in: Any, colour_in: Any, srgb_out: Any
) -> None:
    """Do one value, views being `size` values long: a CUDA thread."""
    place = np.int64(index)
    srgb_out[place] = encode_srgb(np.float32(colour_in[place] / white_in[place // size]), steps_in, floors_in)


_ENCODE_ROW: Final = Kernel(_encode_row)
_ENCODE_VALUE: Final = Kernel(_encode_value)


def meter_white(colour: Any) -> float:
    """Return the radiance that is to become white: four fifths of it are the picture's 95th percentile.

    Args:
        colour: Radiance [W/(sr m^2)], any shape; from a device it is read back.

    Returns:
        A radiance [W/(sr m^2)], > 0.
    """
    colour = to_host(colour)
    return float(np.float32(max(float(np.percentile(colour, 95.0)) / SHARE, 1e-9)))


def expose(colour: Any, white: NDArray[np.float32], *, device: str = "cpu", threads: int | None = None) -> Any:
    """Encode radiance as sRGB bytes.

    Args:
        colour: Radiance [W/(sr m^2)], float32, shape (V, height, width, 3), NumPy, torch or on CUDA.
        white: Radiance of each view that becomes 255 [W/(sr m^2)], shape (V,), > 0.
        device: `cpu` or `cuda`; arrays that are on a device are encoded there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        sRGB bytes, of the shape and kind of `colour`.

    Raises:
        ValueError: If the shapes do not fit.
    """
    shape = tuple(colour.shape)
    if len(shape) != 4 or white.shape != shape[:1]:
        raise ValueError(f"colour must be (V, height, width, 3) and white (V,), got {shape} and {white.shape}")
    place = find_place(colour, device)
    views, height, width, channels = shape
    rows, size = views * height, width * channels
    source = place.borrow(colour, np.float32)
    out = place.allocate(shape, np.uint8)
    levels, steps, floors = place.lend_tables(np.ascontiguousarray(white, np.float32), STEPS, FLOORS)
    if place.device == "cuda":
        _ENCODE_VALUE.launch(
            rows * size,
            np.int64(height * size),
            levels,
            steps,
            floors,
            source.reshape(-1),
            out.reshape(-1),
            device="cuda",
        )
    else:
        _ENCODE_ROW.launch(
            rows,
            np.int64(height),
            levels,
            steps,
            floors,
            source.reshape(rows, size),
            out.reshape(rows, size),
            threads=threads,
        )
    return place.give(out)
