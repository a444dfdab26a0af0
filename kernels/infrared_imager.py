"""The infrared imagers of a stereo camera: radiance to 8 bits, with shot and read noise.

    e = Poisson(radiance exposure) + r n,    DN = clip(round(255 e / e_white), 0, 255)

Both imagers have one exposure. Where it is not given it is set by the left image: the radiance that the share
`exposed_share` of its lit pixels stay below becomes `exposed_level`. Draws, in the stream "infrared", one block per
pixel: block 0 for the left imager, 1 for the right.

Source: EMVA 1288 without fixed pattern and dark current.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .image_rows import check_rows, check_sensor
from .philox import draw_block, stream_key
from .profile_check import check_range
from .variates import normal, poisson

_WHITE: Final = 255.0


@dataclass(frozen=True, kw_only=True)
class InfraredImager:
    """Both infrared imagers of a stereo camera.

    Raises:
        ValueError: If a value is out of its range.
    """

    electrons_at_white: float = 5000.0
    """Electrons that become 255, [10, 1e6]."""
    read_noise: float = 5.0
    """Standard deviation of the read noise [e-], [0, 1000]."""
    exposure: float | None = None
    """Electrons per unit of radiance [sr m^2 / W]; None to set it by the left image."""
    exposed_share: float = 0.98
    """Share of the lit pixels that stay below `exposed_level` where the exposure is set by the image, (0, 1)."""
    exposed_level: float = 200.0
    """Their level [DN], (0, 255]."""

    def __post_init__(self) -> None:
        check_range(self, "electrons_at_white", 10.0, 1e6)
        check_range(self, "read_noise", 0.0, 1000.0)
        if self.exposure is not None:
            check_range(self, "exposure", 0.0, 1e15)
        check_range(self, "exposed_share", 1e-3, 1.0 - 1e-3)
        check_range(self, "exposed_level", 1e-3, _WHITE)


@scalar
def expose_pixel(
    pixel: Any, radiance_in: Any, exposure_in: Any, row_in: Any, read_noise: Any, gain: Any, size: Any, key_0: Any,
    key_1: Any, sensor: Any, block: Any, level_out: Any,
) -> None:  # fmt: skip
    """Take one pixel of N images of `size` pixels, all of which follow one another."""
    image = pixel // size
    w0, w1, _, _ = draw_block(key_0, key_1, pixel - image * size, row_in[image], sensor, block)
    electrons = poisson(np.float64(radiance_in[pixel]) * exposure_in[image], w0) + read_noise * normal(w1)
    level_out[pixel] = np.uint8(min(max(electrons * gain + 0.5, 0.0), 255.0))


_EXPOSE: Final = Kernel(expose_pixel)


def expose_infrared(
    left: ArrayLike,
    right: ArrayLike,
    imager: InfraredImager | None = None,
    *,
    seed: int,
    index: ArrayLike,
    sensor: int = 0,
    threads: int | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Take pictures with the two infrared imagers.

    Args:
        left: Radiance at the left imager [W/(sr m^2)], shape (N, H, W), ≥ 0.
        right: Radiance at the right imager, shape (N, H, W).
        imager: The imagers; None for the usual ones.
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each image, int64, shape (N,).
        sensor: Number of the sensor within its rig, [0, 2^16).
        threads: CPU threads; None for all.

    Returns:
        Both images [DN], shape (N, H, W).

    Raises:
        ValueError: If a shape or a value is wrong.

    Source: EMVA 1288, the linear camera model.

    Example:
        >>> left, right = expose_infrared(np.ones((1, 4, 6)), np.ones((1, 4, 6)), seed=1, index=[0])
    """
    chosen = InfraredImager() if imager is None else imager
    pair = [np.ascontiguousarray(image, dtype=np.float32) for image in (left, right)]
    shape = pair[0].shape
    if len(shape) != 3 or pair[1].shape != shape:
        raise ValueError(f"left and right must have one shape (N, H, W), got {shape} and {pair[1].shape}")
    if not all(bool((image >= 0).all()) and bool(np.isfinite(image).all()) for image in pair):
        raise ValueError("left and right must be finite radiances ≥ 0")
    rows, number = check_rows(index, shape[0]), check_sensor(sensor)
    exposures = np.array([_find_exposure(image, chosen) for image in pair[0]], np.float64)
    gain = _WHITE / chosen.electrons_at_white
    levels = []
    for block, image in enumerate(pair):
        level = np.empty(image.size, np.uint8)
        _EXPOSE.launch(
            image.size, image.reshape(-1), exposures, rows, chosen.read_noise, gain, shape[1] * shape[2],
            *stream_key(seed, "infrared"), number, np.uint64(block), level, threads=threads,
        )  # fmt: skip
        levels.append(level.reshape(shape))
    return levels[0], levels[1]


def _find_exposure(image: NDArray[np.float32], imager: InfraredImager) -> float:
    if imager.exposure is not None:
        return imager.exposure
    lit = np.sort(image[image > 0])  # an order statistic: no sum whose order could differ
    if not len(lit):
        return 0.0
    shown = float(lit[min(int(imager.exposed_share * len(lit)), len(lit) - 1)])
    return imager.exposed_level / _WHITE * imager.electrons_at_white / shown
