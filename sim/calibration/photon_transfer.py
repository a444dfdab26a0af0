"""Photon transfer: gain, noise, dark current, non-uniformity and saturation of a camera from flat fields and darks.

With y the digital number, mu its mean, sigma^2 its temporal variance and s^2 its spatial variance:

    sigma^2 - sigma_dark^2 = K (mu - mu_dark)             gain K: weighted fit through 0 over 0..70 % of saturation
    mu_dark(t)      = black level + K mu_I t              dark current mu_I by the mean
    sigma_dark^2(t) = K^2 (sigma_d^2 + mu_I t) + 1/12     temporal dark noise sigma_d, and mu_I by the variance
    DSNU = s_dark / K          PRNU = sqrt(s_50^2 - s_dark^2) / (mu_50 - mu_dark)

each s^2 less the temporal variance that is left in a mean of L frames, sigma^2 / L. A point is saturated where its
variance is below half of what K says; saturation is the level of those points. Weights are 1 / sigma^4, as the
variance of a variance has it.

Intervals: means, pixel variances and all that is made from them by bootstrap over 64 image blocks, the same blocks in
every exposure, with Student's factor; row and column parts by the closed form of their mean squares (chi-squared).
Dark values come from the dark of the same exposure time, else from the lines above, else from the one dark there is.

Source: EMVA 1288 release 4.0 linear, sections 2, 6, 7 and 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.camera_profile import MOSAICS
from ..errors import UsageError, nearest_name
from .estimate import Estimate
from .exposure_statistics import Array, ExposureStatistics, measure_exposure
from .hot_pixels import HotPixels, find_hot_pixels
from .photon_transfer_fit import PhotonTransferFit


class Recording(NamedTuple):
    """Frames of one exposure."""

    exposure_time: float
    """Exposure time [s]."""
    frames: Iterable[NDArray[Any]]
    """Two or more frames, each (H, W), uint8 or uint16; an array (N, H, W) will do. May be read more than once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PhotonTransfer:
    """A measured camera: its estimates, and the points that they were fitted to. E exposures, P phases, D darks."""

    mosaic: str
    """Colour filters, such as "RGGB", or "mono"."""
    phases: tuple[str, ...]
    """Names of the phases, such as R, G1, G2, B."""
    shape: tuple[int, int]
    """Height and width of the frames [px]."""
    bit_depth: int
    """Bits of the converter."""
    saturated: bool
    """Whether the recordings reach saturation."""
    estimates: dict[str, Estimate]
    """Estimates by name; `name[phase]` for one phase alone."""
    exposure_time: Array
    """Exposure times of the flat fields [s], shape (E,)."""
    signal: Array
    """Mean less the dark's [DN], shape (E, P)."""
    variance: Array
    """Temporal variance less the dark's [DN^2], shape (E, P)."""
    variance_deviation: Array
    """Its standard deviation [DN^2], shape (E, P)."""
    used: NDArray[np.bool_]
    """Points of the gain's fit, shape (E, P)."""
    residual: Array
    """Relative departure of the variance from the fit, shape (E, P)."""
    dark_time: Array
    """Exposure times of the darks [s], shape (D,)."""
    dark_mean: Array
    """Means of the darks [DN], shape (D,)."""
    dark_variance: Array
    """Temporal variances of the darks [DN^2], shape (D,)."""
    dark_deviation: Array
    """Standard deviations of mean and variance of the darks, shape (2, D)."""
    notes: tuple[str, ...]
    """What the recordings could not tell, and what was assumed."""


def measure_photon_transfer(
    flats: Sequence[Recording],
    darks: Sequence[Recording],
    *,
    mosaic: str = "mono",
    bits: int | None = None,
    seed: int = 0,
) -> PhotonTransfer:
    """Measure a camera from flat fields and darks.

    Args:
        flats: Evenly lit frames at two or more exposure times, from dim to saturated, the light unchanged.
        darks: Frames without light at one or more exposure times.
        mosaic: Colour filters of the pixels (0, 0), (0, 1), (1, 0), (1, 1), or "mono".
        bits: Bits of the converter, 8 to 16; None: those of the largest value.
        seed: Seed of the bootstrap, [0, 2^64).

    Raises:
        UsageError: If the recordings cannot tell a camera's values; the message says what to record.

    Source: EMVA 1288 release 4.0 linear.
    """
    if mosaic not in MOSAICS:
        raise UsageError(f"mosaic must be one of {', '.join(MOSAICS)}, got {mosaic!r}{nearest_name(mosaic, MOSAICS)}")
    light, dark, hot = _gather(flats, darks, 1 if mosaic == "mono" else 2)
    shift = _unused_bits(*light, *dark)
    light, dark = [s.shifted(shift) for s in light], [s.shifted(shift) for s in dark]
    hot = HotPixels(
        exposure_time=hot.exposure_time, mask=hot.mask, excess=hot.excess * 0.5**shift, limit=hot.limit * 0.5**shift
    )
    notes = [f"the lowest {shift} bits of all values are zero and were left out"] if shift else []
    largest = max(s.largest for s in (*light, *dark))
    depth = max(8, largest.bit_length()) if bits is None else bits
    if not 8 <= depth <= 16 or largest >= 1 << depth:
        raise UsageError(f"bits must be 8 to 16 and hold the largest value {largest}, got {bits}")
    if bits is None and largest != (1 << depth) - 1:
        notes.append(f"{depth} bits are assumed from the largest value, {largest}; give the converter's bits")
    fit = PhotonTransferFit(light, dark, hot, phases=_name_phases(mosaic), depth=depth, notes=notes, seed=seed)
    signal, gain = fit.signal[0], float(fit.gain[0])
    return PhotonTransfer(
        mosaic=mosaic,
        phases=fit.phases,
        shape=light[0].shape,
        bit_depth=depth,
        saturated=bool(fit.full.any()),
        estimates=fit.estimates,
        exposure_time=fit.times,
        signal=signal,
        variance=fit.excess[0],
        variance_deviation=np.std(fit.excess[1:], axis=0, ddof=1),
        used=fit.used,
        residual=fit.excess[0] / (gain * np.where(signal > 0.0, signal, np.nan)) - 1.0,
        dark_time=fit.dark_times,
        dark_mean=fit.dark_means[0].mean(axis=1),
        dark_variance=fit.dark_variances[0].mean(axis=1),
        dark_deviation=np.std(np.stack([fit.dark_means, fit.dark_variances])[:, 1:].mean(axis=3), axis=1, ddof=1),
        notes=tuple(fit.notes),
    )


def _gather(
    flats: Sequence[Recording], darks: Sequence[Recording], side: int
) -> tuple[list[ExposureStatistics], list[ExposureStatistics], HotPixels]:
    for name, recordings, least in (("flat fields", flats, 2), ("darks", darks, 1)):
        times = [recording.exposure_time for recording in recordings]
        if len(times) < least or len(set(times)) < len(times) or not all(math.isfinite(t) and t >= 0 for t in times):
            raise UsageError(
                f"{name} must come at {least} or more different exposure times >= 0 s, got {sorted(times)}"
            )
    longest = max(darks, key=lambda recording: recording.exposure_time)
    hot = find_hot_pixels(measure_exposure(longest.frames, exposure_time=longest.exposure_time, mosaic_side=side))
    found = [
        [
            measure_exposure(r.frames, exposure_time=r.exposure_time, mosaic_side=side, mask=hot.mask)
            for r in sorted(recordings, key=lambda recording: recording.exposure_time)
        ]
        for recordings in (flats, darks)
    ]
    if len({s.shape for s in (*found[0], *found[1])}) > 1:
        raise UsageError("all frames of flat fields and darks must have the same size")
    return found[0], found[1], hot


def _unused_bits(*statistics: ExposureStatistics) -> int:
    bits = 0
    for one in statistics:
        bits |= one.bits
    return (bits & -bits).bit_length() - 1 if bits else 0


def _name_phases(mosaic: str) -> tuple[str, ...]:
    """Name the phases of a mosaic: R, G1, G2, B; a sensor without filters has one, m."""
    letters = "m" if mosaic == "mono" else mosaic
    return tuple(c if letters.count(c) == 1 else f"{c}{letters[: k + 1].count(c)}" for k, c in enumerate(letters))
