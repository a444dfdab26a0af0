"""Statistics of frames at one exposure: means, temporal and spatial variances, per colour phase and image block.

Frames are read one at a time. Each frame's own mean, per phase of the colour filter mosaic, is taken off first, so that
a lamp that flickers or a drifting offset is not counted as noise. For the spatial variance a smooth surface (polynomial
of degree 4) is taken off as well, so that uneven light and a lens's fall-off are not counted as non-uniformity.

Row and column parts come from the two-way analysis of variance: the mean square of row means holds the pixel part once
and the row part W times.

Sources: EMVA 1288 release 4.0 linear, sections 6 to 8 (variance of pairs, spatial variance less the temporal rest,
split into rows, columns and pixels); Searle, Casella, McCulloch, "Variance components", 1992, section 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Array = NDArray[np.float64]

GRID: Final = 8
"""Blocks along each side of the image."""
DEGREE: Final = 4
"""Degree of the smooth surface."""
_TERMS: Final = (DEGREE + 1) * (DEGREE + 2) // 2
MIN_SIDE: Final = 32
"""Smallest image side [px]."""


class Component(NamedTuple):
    """A variance and the variance of its estimate [DN^2, DN^4]."""

    value: float
    error: float


class Components(NamedTuple):
    """A variance split into what is each pixel's, each row's and each column's."""

    pixel: Component
    row: Component
    column: Component


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureStatistics:
    """What the frames of one exposure say; P colour phases, B blocks."""

    exposure_time: float
    """Exposure time [s]."""
    frame_count: int
    """Frames, at least 2."""
    shape: tuple[int, int]
    """Height and width used [px]."""
    pixels: Array
    """Pixels that were counted, shape (P, B)."""
    mean: Array
    """Mean [DN], shape (P, B)."""
    variance: Array
    """Mean temporal variance [DN^2], shape (P, B)."""
    spatial: Array
    """Mean square of the mean frame about its smooth surface [DN^2], temporal rest included, shape (P, B)."""
    temporal_parts: Components
    """Temporal variance of all phases together, split [DN^2]."""
    spatial_parts: Components
    """Variance of the mean frame, temporal rest included, split [DN^2]."""
    largest: int
    """Largest value seen [DN]."""
    bits: int
    """All values, or-ed together: its trailing zeros are unused bits."""
    mean_frame: Array
    """Mean over the frames of the deviation from each frame's phase mean [DN], shape (H, W)."""
    lowest_frame: Array
    """Smallest such deviation [DN], shape (H, W)."""

    def shifted(self, bits: int) -> ExposureStatistics:
        """Return the statistics of the values without their lowest bits, which were all zero."""
        first, second = 0.5**bits, 0.25**bits

        def scale(parts: Components) -> Components:
            return Components(*(Component(part.value * second, part.error * second * second) for part in parts))

        return replace(
            self,
            mean=self.mean * first,
            variance=self.variance * second,
            spatial=self.spatial * second,
            temporal_parts=scale(self.temporal_parts),
            spatial_parts=scale(self.spatial_parts),
            largest=self.largest >> bits,
            bits=self.bits >> bits,
            mean_frame=self.mean_frame * first,
            lowest_frame=self.lowest_frame * first,
        )


def measure_exposure(
    frames: Iterable[NDArray[Any]], *, exposure_time: float, mosaic_side: int, mask: NDArray[np.bool_] | None = None
) -> ExposureStatistics:
    """Gather the statistics of the frames of one exposure.

    Args:
        frames: At least 2 frames of the same scene, each (H, W), uint8 or uint16.
        exposure_time: Exposure time [s].
        mosaic_side: 2 for a colour filter mosaic of 2x2 pixels, 1 for none.
        mask: Pixels to leave out, shape (H, W).

    Raises:
        UsageError: If there are fewer than 2 frames, or they are too small or not alike.
    """
    phases = [(y, x) for y in range(mosaic_side) for x in range(mosaic_side)]
    count, bits, largest = 0, 0, 0
    height = width = 0
    means, row_means, column_means = [], [], []
    kept: Array = np.empty((0, 0))
    first = second = lowest = kept
    for frame in frames:
        if count == 0:
            height, width = (side - side % mosaic_side for side in frame.shape)
            if min(height, width) < MIN_SIDE:
                raise UsageError(f"frames must be at least {MIN_SIDE}x{MIN_SIDE}, got shape {frame.shape}")
            kept = np.ones((height, width))
            if mask is not None:
                kept[mask[:height, :width]] = 0.0
            first, second = np.zeros((height, width)), np.zeros((height, width))
            lowest = np.full((height, width), math.inf)
            shape = frame.shape
        if frame.shape != shape:
            raise UsageError(f"frames must have the same size, got {shape} and {frame.shape}")
        count += 1
        bits |= int(np.bitwise_or.reduce(frame, axis=None))
        largest = max(largest, int(frame.max()))
        centred = frame[:height, :width].astype(np.float64)
        mean = []
        for y, x in phases:
            part, keep = centred[y::mosaic_side, x::mosaic_side], kept[y::mosaic_side, x::mosaic_side]
            mean.append(float((part * keep).sum() / keep.sum()))
            part -= mean[-1]
        np.minimum(lowest, centred, out=lowest)
        clean = centred if mask is None else centred * kept
        first += centred
        second += centred * centred
        means.append(mean)
        row_means.append(clean.sum(axis=1) / np.maximum(kept.sum(axis=1), 1.0))
        column_means.append(clean.sum(axis=0) / np.maximum(kept.sum(axis=0), 1.0))
    if count < 2:
        raise UsageError(
            f"{count} frame at the exposure of {exposure_time:g} s; temporal noise needs at least 2, taken one after "
            "the other without touching anything"
        )
    mean_frame = first / count
    variance = np.maximum(second - first * mean_frame, 0.0) / (count - 1) * kept
    residual, pixels, block_mean = np.zeros((height, width)), [], []
    block_variance, block_spatial = [], []
    for k, (y, x) in enumerate(phases):
        cut = (slice(y, None, mosaic_side), slice(x, None, mosaic_side))
        number = _block_sums(kept[cut])
        rest = _off_surface(mean_frame[cut] * kept[cut]) * kept[cut]
        residual[cut] = rest
        pixels.append(number)
        block_mean.append(float(np.mean([m[k] for m in means])) + _block_sums(mean_frame[cut] * kept[cut]) / number)
        block_variance.append(_block_sums(variance[cut]) / number)
        total = float(number.sum())
        block_spatial.append(_block_sums(rest * rest) / number * (total / (total - _TERMS)))
    share = float(kept.mean())
    rows, columns = np.array(row_means), np.array(column_means)
    rows -= rows.mean(axis=0)
    columns -= columns.mean(axis=0)
    return ExposureStatistics(
        exposure_time=exposure_time,
        frame_count=count,
        shape=(height, width),
        pixels=np.array(pixels),
        mean=np.array(block_mean),
        variance=np.array(block_variance),
        spatial=np.array(block_spatial),
        temporal_parts=_split(
            float(variance.sum()) / share,
            float((rows * rows).sum()) / (count - 1),
            float((columns * columns).sum()) / (count - 1),
            (height, width),
            repeats=count - 1,
            side=mosaic_side,
            terms=1,
            line_terms=1,
        ),
        spatial_parts=_split(
            float((residual * residual).sum()) / share,
            float((residual.mean(axis=1) ** 2).sum()),
            float((residual.mean(axis=0) ** 2).sum()),
            (height, width),
            repeats=1,
            side=mosaic_side,
            terms=_TERMS,
            line_terms=DEGREE + 1,
        ),
        largest=largest,
        bits=bits,
        mean_frame=mean_frame,
        lowest_frame=lowest,
    )


def _split(
    total: float, rows: float, columns: float, shape: tuple[int, int], *, repeats: int, side: int, terms: int,
    line_terms: int,
) -> Components:  # fmt: skip
    """Split sums of squares (of pixels, row means and column means) into components.

    `terms` parameters were taken off each phase, of which `line_terms` are each row's or column's.
    """
    height, width = shape
    row_freedom, column_freedom = height - side * line_terms, width - side * line_terms
    rest_freedom = height * width - side * side * terms - row_freedom - column_freedom
    row_square, column_square = width * rows / row_freedom, height * columns / column_freedom
    rest = (total - width * rows - height * columns) / rest_freedom
    rest_error = 2.0 * rest * rest / (rest_freedom * repeats)

    def line(square: float, freedom: int, length: int) -> Component:
        error = 2.0 * square * square / (freedom * repeats) + rest_error
        return Component((square - rest) / length, error / length**2)

    return Components(
        Component(rest, rest_error), line(row_square, row_freedom, width), line(column_square, column_freedom, height)
    )


def _block_sums(image: Array) -> Array:
    """Add up an image over GRID x GRID blocks, shape (GRID^2,)."""
    edges = [np.arange(GRID) * side // GRID for side in image.shape]
    return np.add.reduceat(np.add.reduceat(image, edges[0], axis=0), edges[1], axis=1).ravel()


def _off_surface(image: Array) -> Array:
    """Take off the least-squares polynomial surface of degree DEGREE."""
    vertical, horizontal = (_orthonormal(side) for side in image.shape)
    coefficients = vertical.T @ image @ horizontal
    degree = np.arange(DEGREE + 1)
    coefficients[degree[:, None] + degree[None, :] > DEGREE] = 0.0
    return np.asarray(image - vertical @ coefficients @ horizontal.T)


def _orthonormal(side: int) -> Array:
    place = np.linspace(-1.0, 1.0, side)
    return np.asarray(np.linalg.qr(place[:, None] ** np.arange(DEGREE + 1))[0])
