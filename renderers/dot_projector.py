"""An infrared projector that throws a pseudo-random pattern of dots.

The pattern is a function of direction. Angles from the axis, atan(x / z) and atan(y / z), are cut into square cells of
one pitch; a cell holds a dot with the probability `fill`, anywhere within it. A dot is a Gaussian of standard deviation
`dot_size`; what a pixel sees of it is spread by the pixel's own footprint, with its energy kept:

    I = intensity sum over dots of b (s/s_x)(s/s_y) exp(-dx^2 / (2 s_x^2) - dy^2 / (2 s_y^2))
    s_x^2 = s^2 + footprint^2

Where the footprint exceeds the pitch the pattern is its mean. Brightnesses b are uniform in [1/2, 1]. Draws, in the
stream "dot_projector" at the fixed row: block 0 of every cell, for its dot's place, brightness and presence.

Differs from real projectors: a diffractive pattern repeats and is brighter in its middle; there is no speckle.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import scalar
from ..kernels.philox import FIXED, philox_words
from ..kernels.profile_check import check_numbers, check_range, check_whole

_MOST_CELLS: Final = 1 << 22
_MEAN_BRIGHTNESS: Final = 0.75


@dataclass(frozen=True, kw_only=True)
class DotProjector:
    """A dot projector fixed to the left imager; its axis is parallel to the imager's.

    The defaults are of the size that is usual; no product's pattern is followed.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> DotProjector(position=(0.025, 0.0, 0.0)).cell_count
        (180, 120)
    """

    position: tuple[float, float, float] = (0.025, 0.0, 0.0)
    """Place in the left imager's frame [m]."""
    field_of_view: tuple[float, float] = (1.5708, 1.0472)
    """Angle that the pattern covers, across and down [rad], (0, 2.8]."""
    pitch: float = 0.00873
    """Side of a cell, which holds a dot or none [rad], [1e-4, 0.5]."""
    dot_size: float = 0.0013
    """Standard deviation of a dot's profile [rad], (0, pitch]."""
    fill: float = 0.7
    """Share of cells with a dot, [0, 1]."""
    intensity: float = 1.0
    """Radiant intensity at the middle of the brightest dots [W/sr], ≥ 0."""
    seed: int = 0
    """Which pattern, [0, 2^64)."""

    def __post_init__(self) -> None:
        check_numbers(self, "position", 3, -10.0, 10.0)
        check_numbers(self, "field_of_view", 2, 1e-3, 2.8)
        check_range(self, "pitch", 1e-4, 0.5)
        check_range(self, "dot_size", 1e-6, self.pitch)
        check_range(self, "fill", 0.0, 1.0)
        check_range(self, "intensity", 0.0, 1e9)
        check_whole(self, "seed", 0, (1 << 64) - 1)
        columns, rows = self.cell_count
        if columns * rows > _MOST_CELLS:
            raise ValueError(f"the pattern may have {_MOST_CELLS} cells, got {columns} x {rows}; set a larger pitch")

    @property
    def cell_count(self) -> tuple[int, int]:
        """Cells across and down."""
        across, down = self.field_of_view
        return math.ceil(across / self.pitch - 1e-9), math.ceil(down / self.pitch - 1e-9)

    @property
    def mean_intensity(self) -> float:
        """Radiant intensity of the pattern's mean [W/sr]."""
        share = 2.0 * math.pi * self.dot_size * self.dot_size / (self.pitch * self.pitch)
        return self.intensity * self.fill * _MEAN_BRIGHTNESS * share


@functools.lru_cache(maxsize=8)
def make_dots(projector: DotProjector) -> NDArray[np.float32]:
    """Draw the dot of every cell.

    Returns:
        Place within the cell along x and y [pitch] and brightness (0 = no dot), shape (rows, columns, 3).
    """
    columns, rows = projector.cell_count
    addresses = np.full((rows * columns, 3), FIXED, np.uint64)
    addresses[:, 0] = np.arange(rows * columns)
    words = philox_words(projector.seed, "dot_projector", addresses)
    drawn = (words >> np.uint32(8)).astype(np.float64) * 2.0**-24
    dots = np.empty((rows * columns, 3), np.float32)
    dots[:, :2] = drawn[:, :2]
    dots[:, 2] = np.where(drawn[:, 3] < projector.fill, 0.5 + 0.5 * drawn[:, 2], 0.0)
    dots.flags.writeable = False
    return dots.reshape(rows, columns, 3)


def pattern_numbers(projector: DotProjector) -> NDArray[np.float64]:
    """Return the numbers of a projector that `dot_pattern` reads."""
    across, down = projector.field_of_view
    return np.array(
        [
            0.5 * across, 0.5 * down, projector.pitch, projector.dot_size, projector.intensity,
            projector.mean_intensity,
        ]
    )  # fmt: skip


@scalar
def dot_pattern(slope_x: Any, slope_y: Any, footprint: Any, pattern_in: Any, dot_in: Any) -> Any:
    """Return the radiant intensity in a direction [W/sr].

    Args:
        slope_x: x / z of the direction, in the projector's frame; likewise slope_y.
        slope_y: See slope_x.
        footprint: Standard deviation of a pixel's footprint in slope [1].
        pattern_in: What `pattern_numbers` says.
        dot_in: What `make_dots` says.
    """
    pitch, size = pattern_in[2], pattern_in[3]
    angle_x, angle_y = math.atan(slope_x), math.atan(slope_y)
    if abs(angle_x) > pattern_in[0] or abs(angle_y) > pattern_in[1]:
        return 0.0
    wide_x, wide_y = footprint / (1.0 + slope_x * slope_x), footprint / (1.0 + slope_y * slope_y)
    across, down = math.sqrt(size * size + wide_x * wide_x), math.sqrt(size * size + wide_y * wide_y)
    if max(across, down) > pitch:
        return pattern_in[5]
    u, v = (angle_x + pattern_in[0]) / pitch, (angle_y + pattern_in[1]) / pitch
    rows, columns = np.int64(dot_in.shape[0]), np.int64(dot_in.shape[1])
    reach_u, reach_v = 4.0 * across / pitch, 4.0 * down / pitch
    first_column: Any = max(np.int64(math.floor(u - reach_u)), 0)
    first_row: Any = max(np.int64(math.floor(v - reach_v)), 0)
    last_column, last_row = min(np.int64(u + reach_u), columns - 1), min(np.int64(v + reach_v), rows - 1)
    scale_u, scale_v = pitch / across, pitch / down
    total = 0.0
    for row in range(first_row, last_row + 1):
        for column in range(first_column, last_column + 1):
            brightness = np.float64(dot_in[row, column, 2])
            if brightness > 0.0:
                du = (u - column - np.float64(dot_in[row, column, 0])) * scale_u
                dv = (v - row - np.float64(dot_in[row, column, 1])) * scale_v
                total += brightness * math.exp(-0.5 * (du * du + dv * dv))
    return pattern_in[4] * total * (size / across) * (size / down)
