"""The fits of photon transfer: formulas and methods are told in photon_transfer.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..errors import UsageError
from .block_bootstrap import draw_block_weights
from .estimate import Estimate, make_estimate, replicate_deviation, root_estimate
from .exposure_statistics import GRID, Array, Component, ExposureStatistics
from .hot_pixels import HotPixels, estimate_hot_pixels

FIT_SHARE: Final = 0.7
"""Part of saturation over which the gain is fitted."""
QUANTIZATION: Final = 1.0 / 12.0
"""Variance of rounding to whole numbers [DN^2]."""
_BLOCKS: Final = GRID * GRID


class PhotonTransferFit:
    """The fits, on the data (replicate 0) and on each resample of the blocks at once: arrays begin with replicates."""

    def __init__(
        self, light: list[ExposureStatistics], dark: list[ExposureStatistics], hot: HotPixels, *,
        phases: tuple[str, ...], depth: int, notes: list[str], seed: int,
    ) -> None:  # fmt: skip
        self.light, self.dark, self.depth, self.notes, self.phases = light, dark, depth, notes, phases
        self.weights = draw_block_weights(_BLOCKS, seed=seed)
        self.times = np.array([s.exposure_time for s in light])
        self.dark_times = np.array([s.exposure_time for s in dark])
        self.estimates: dict[str, Estimate] = {}
        self.dark_means, self.dark_variances = self._resample(dark, "mean"), self._resample(dark, "variance")
        variance = self._resample(light, "variance")
        self.signal = self._resample(light, "mean") - self._dark_at_light(self.dark_means)
        self.excess = variance - self._dark_at_light(self.dark_variances)
        self._find_range(self.signal[0], self.excess[0])
        self._estimate_gain(variance[0])
        self._estimate_dark()
        self._estimate_lines()
        self._estimate_saturation()
        self._estimate_response()
        self.estimates |= {e.name: e for e in estimate_hot_pixels(hot, float(self.gain[0]))}
        if "hot_pixel_fraction" not in self.estimates:
            notes.append("hot pixels: the longest dark is too short to tell; record one of a second or more")

    def _resample(self, statistics: Sequence[ExposureStatistics], name: str) -> Array:
        """Return the mean of a block statistic for each replicate, shape (1 + R, exposures, P)."""
        return np.stack(
            [(self.weights @ (getattr(s, name) * s.pixels).T) / (self.weights @ s.pixels.T) for s in statistics], axis=1
        )

    def _fixed_variance(self, one: ExposureStatistics) -> Array:
        """Return the spatial variance less the temporal rest, for each replicate, shape (1 + R, P)."""
        rest = self._resample([one], "variance")[:, 0] / one.frame_count
        return np.asarray(self._resample([one], "spatial")[:, 0] - rest)

    def _dark_at_light(self, values: Array) -> Array:
        """Return dark values, shape (1 + R, D, P), at the exposure times of the flat fields, shape (1 + R, E, P)."""
        columns = []
        for time in self.times:
            same = np.nonzero(np.isclose(self.dark_times, time, rtol=1e-6, atol=0.0))[0]
            if len(same) or len(self.dark) == 1:
                columns.append(values[:, same[0] if len(same) else 0])
            else:
                offset, slope = self._line(values)
                columns.append(offset + slope * time)
        return np.stack(columns, axis=1)

    def _line(self, values: Array) -> tuple[Array, Array]:
        """Fit offset and slope over the darks' exposure times; replicates lead, darks are axis 1."""
        weight = self._line_weights().reshape(1, -1, *(1,) * (values.ndim - 2))
        time = self.dark_times.reshape(weight.shape)
        middle = float((weight * time).sum())
        slope = (weight * (time - middle) * values).sum(axis=1) / (weight * (time - middle) ** 2).sum()
        return (weight * values).sum(axis=1) - slope * middle, slope

    def _line_weights(self) -> Array:
        frames = np.array([s.frame_count for s in self.dark])
        weight = frames / np.maximum(self.dark_variances[0].mean(axis=1), 1e-3)
        return np.asarray(weight / weight.sum())

    def _find_range(self, signal: Array, excess: Array) -> None:
        """Find which points are saturated and which the gain is fitted to."""
        lit = signal > 0.0
        top = np.unravel_index(int(np.argmax(np.where(lit, excess, -math.inf))), excess.shape)
        below = lit & (signal <= signal[top])
        first = float(np.median(excess[below] / signal[below])) if below.any() else 0.0
        if not first > 0.0:
            raise UsageError(
                "the flat fields are not brighter and noisier than the darks; record them lit, below saturation, the "
                "frames of an exposure one after the other"
            )
        self.full = lit & (excess < 0.5 * first * signal)
        self.full &= signal > 0.5 * signal[top]  # a faint point may scatter below the line
        linear = lit & ~self.full & (excess > 0.9 * first * signal)
        if self.full.any():
            self.saturation = float(np.median(signal[self.full]))
            self.used = lit & (signal <= FIT_SHARE * self.saturation)
        else:
            self.saturation = (1 << self.depth) - 1 - float(self.dark_means[0].mean())
            self.used = linear & (signal <= FIT_SHARE * self.saturation)
            self.notes.append(
                "full well: no exposure is saturated; the converter's range is taken for it. Record longer exposures"
            )
        if not self.used.any(axis=0).all():
            raise UsageError(
                "no flat field of some colour lies below 70 % of saturation; record shorter exposures (or dimmer light)"
            )

    def _add(self, name: str, unit: str, replicates: Array, variance: float = 0.0) -> None:
        deviation = math.hypot(replicate_deviation(replicates, _BLOCKS), math.sqrt(variance))
        self.estimates[name] = make_estimate(name, unit, float(replicates[0]), deviation, freedom=_BLOCKS - 1)

    def _add_root(self, name: str, unit: str, squares: Array, variance: float = 0.0) -> None:
        deviation = math.hypot(replicate_deviation(squares, _BLOCKS), math.sqrt(variance))
        self.estimates[name] = root_estimate(name, unit, float(squares[0]), deviation, freedom=_BLOCKS - 1)

    def _estimate_gain(self, variance: Array) -> None:
        frames = np.array([s.frame_count for s in self.light])[:, None]
        dark = variance - self.excess[0]
        # First weighted by the measured variances, of which the low ones would count too much; then by the fit's.
        for _ in range(3):
            weight = self.used * (frames - 1) / np.maximum(variance, 1e-3) ** 2
            product, square = weight * self.signal * self.excess, weight * self.signal**2
            self.gain = product.sum(axis=(1, 2)) / square.sum(axis=(1, 2))
            if not self.gain[0] > 0.0:
                raise UsageError("the variance does not grow with the light: are an exposure's frames all one picture?")
            variance = self.gain[0] * self.signal[0] + dark
        self._add("gain", "DN/e-", self.gain)

    def _estimate_dark(self) -> None:
        """Estimate black level, dark current and temporal noise."""
        means, variances = self.dark_means.mean(axis=2), self.dark_variances.mean(axis=2)
        # The frames' own means took a little of the rows' and columns' noise along.
        variances = variances + ([sum(part.value for part in s.temporal_parts) for s in self.dark] - variances[0])
        self.row = _pool([s.temporal_parts.row for s in self.dark], [s.frame_count for s in self.dark])
        self.column = _pool([s.temporal_parts.column for s in self.dark], [s.frame_count for s in self.dark])
        height, width = self.dark[0].shape
        # Whole rows and columns shift together, which a bootstrap over blocks sees in part only.
        line = max(self.row.value, 0.0) / height + max(self.column.value, 0.0) / width
        first = self.dark[0]
        self.row_pattern = _less(first.spatial_parts.row, first.temporal_parts.row, first.frame_count)
        self.column_pattern = _less(first.spatial_parts.column, first.temporal_parts.column, first.frame_count)
        line_fixed = max(self.row_pattern.value, 0.0) / height + max(self.column_pattern.value, 0.0) / width
        gain = self.gain
        if len(self.dark) > 1:
            (black, rise), (noise, growth) = self._line(means), self._line(variances)
            weight, time = self._line_weights(), self.dark_times
            lever = weight * (time - (weight * time).sum())
            lever /= (lever * time).sum()
            rest = weight - lever * float((weight * time).sum())
            frames = np.array([s.frame_count for s in self.dark])
            black_error = line * float((rest**2 / frames).sum()) + line_fixed
            self._add(
                "dark_current", "e-/s", rise / gain, line * float((lever**2 / frames).sum()) / float(gain[0]) ** 2
            )
            self._add("dark_current_from_variance", "e-/s", growth / gain**2)
            if self.estimates["dark_current"].value < 0.0:
                self.notes.append("dark current: not distinguishable from 0; longer darks would tell")
        else:
            black, noise = means[:, 0], variances[:, 0]
            black_error = line / self.dark[0].frame_count + line_fixed
            self.notes.append("dark current: unknown from one dark; record darks at several exposure times")
        self._add("black_level", "DN", black, black_error)
        self.black = black
        lines = (self.row.error + self.column.error) / float(gain[0]) ** 4
        self._add_root("temporal_dark_noise", "e-", (noise - QUANTIZATION) / gain**2, lines)
        pixel = noise - QUANTIZATION - max(self.row.value, 0.0) - max(self.column.value, 0.0)
        self._add_root("read_noise", "e-", pixel / gain**2, lines)
        if noise[0] < 0.24:
            self.notes.append(
                f"read noise: the dark's variance of {noise[0]:.3f} DN^2 is mostly rounding; record at a higher gain"
            )

    def _estimate_lines(self) -> None:
        """Estimate row and column noise and patterns, and the pixels' dark non-uniformity."""
        first, gain = self.dark[0], float(self.gain[0])

        def add(name: str, part: Component) -> None:
            self.estimates[name] = root_estimate(name, "e-", part.value / gain**2, math.sqrt(part.error) / gain**2)

        add("row_noise", self.row)
        add("column_noise", self.column)
        add("row_pattern", self.row_pattern)
        add("column_pattern", self.column_pattern)
        total = self._fixed_variance(first)
        whole = total.mean(axis=1)
        pixel = _less(first.spatial_parts.pixel, first.temporal_parts.pixel, first.frame_count).value
        self._add_root("dark_signal_nonuniformity", "e-", (whole - whole[0] + pixel) / self.gain**2)
        if len(self.phases) > 1:
            for k, phase in enumerate(self.phases):
                name = f"dark_signal_nonuniformity[{phase}]"
                self._add_root(name, "e-", (total[:, k] - whole[0] + pixel) / self.gain**2)

    def _estimate_saturation(self) -> None:
        if not self.full.any():
            return
        last = np.nonzero(self.full.any(axis=1))[0][-1]
        means = self._resample([self.light[last]], "mean")[:, 0][:, self.full[last]].mean(axis=1)
        self._add("full_well", "e-", (means - self.black) / self.gain)
        if self.light[last].largest == (1 << self.depth) - 1 and means[0] > (1 << self.depth) - 2.5:
            self.notes.append("full well: the converter saturates first, so the charge at its end is given")

    def _estimate_response(self) -> None:
        """Estimate photo response non-uniformity near half of saturation, and the response to exposure time."""
        squares = []
        for k, phase in enumerate(self.phases):
            place = np.where(self.used[:, k], np.abs(self.signal[0, :, k] - 0.5 * self.saturation), math.inf)
            e = int(np.argmin(place))
            one, other = self.light[e], self._nearest_dark(self.times[e])
            bright, base = self._fixed_variance(one)[:, k], self._fixed_variance(other)[:, k]
            # Uneven light: the response is relative, so the mean square of the blocks' means is what it scales with.
            levels = (one.mean[k] - self._dark_at_light(self.dark_means)[0, e, k]) ** 2 * one.pixels[k]
            level = (self.weights @ levels) / (self.weights @ one.pixels[k])
            squares.append((bright - base) / level)
            if len(self.phases) > 1:
                self._add_root(f"photo_response_nonuniformity[{phase}]", "1", squares[-1])
            held = self.used[:, k] & (self.signal[0, :, k] > 0.05 * self.saturation) & (self.times > 0.0)
            if held.any():
                time, weight = self.times[held], 1.0 / self.signal[0, held, k]
                slope = (time * weight**2 * self.signal[:, held, k]).sum(axis=1) / ((time * weight) ** 2).sum()
                name = "responsivity" if len(self.phases) == 1 else f"responsivity[{phase}]"
                self._add(name, "DN/s", slope)
        self._add_root("photo_response_nonuniformity", "1", np.mean(squares, axis=0))

    def _nearest_dark(self, time: float) -> ExposureStatistics:
        return min(self.dark, key=lambda s: abs(s.exposure_time - time))


def _pool(parts: Sequence[Component], frame_counts: Sequence[int]) -> Component:
    """Average a component over darks, by their degrees of freedom."""
    weight = np.array(frame_counts, np.float64) - 1.0
    weight /= weight.sum()
    return Component(
        float(sum(w * part.value for w, part in zip(weight, parts, strict=True))),
        float(sum(w * w * part.error for w, part in zip(weight, parts, strict=True))),
    )


def _less(spatial: Component, temporal: Component, frame_count: int) -> Component:
    """Take the temporal rest off a component of a mean frame."""
    return Component(spatial.value - temporal.value / frame_count, spatial.error + temporal.error / frame_count**2)
