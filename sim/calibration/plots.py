"""Plots of calibrations: the data, the fitted model and its 95 % interval. Needs Matplotlib (the extra `calibrate`)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...kernels.lens import project_directions
from ..errors import UsageError
from .allan import allan_terms
from .depth_noise import DepthNoise
from .inertial_noise import AXES, InertialNoise
from .lens_calibration import LensCalibration
from .photon_transfer import PhotonTransfer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MODEL: Final = "#222222"
_COLOURS: Final = {"R": "#d62728", "G": "#2ca02c", "B": "#1f77b4", "C": "#8c8c8c", "m": "#1f77b4"}
_MARKERS: Final = "osD^"
_DATA: Final = ("#1f77b4", "#ff7f0e", "#2ca02c")


def plot_photon_transfer(path: str | Path, result: PhotonTransfer) -> None:
    """Draw a camera's photon transfer, its residuals, its darks and its non-uniformity.

    Args:
        path: PNG file to write.
        result: What was measured.

    Raises:
        UsageError: If Matplotlib is missing.
    """
    figure, axes = _figure(2, 2)
    _draw_transfer(axes[0][0], result)
    _draw_residual(axes[0][1], result)
    _draw_dark(axes[1][0], result)
    _draw_response(axes[1][1], result)
    height, width = result.shape
    figure.suptitle(f"Photon transfer, {width}x{height} px, {result.mosaic}, {result.bit_depth} bit")
    _save(figure, path)


def plot_depth_noise(path: str | Path, result: DepthNoise) -> None:
    """Draw a depth sensor's noise against distance, its departure from the law, and its errors of another kind.

    Args:
        path: PNG file to write.
        result: What was measured.

    Raises:
        UsageError: If Matplotlib is missing.
    """
    figure, axes = _figure(1, 3)
    depth = np.array([wall.depth for wall in result.walls])
    noise, rest, shares = axes[0]
    noise.plot(result.curve_depth, result.curve[0] * 1e3, color=_MODEL, label=_depth_law(result))
    noise.fill_between(
        result.curve_depth, result.curve[1] * 1e3, result.curve[2] * 1e3, color=_MODEL, alpha=0.2, lw=0, label="95 %"
    )
    for k, (name, estimates) in enumerate(
        (("one frame", result.total), ("temporal", result.temporal), ("spatial", result.spatial))
    ):
        values = np.array([[e.value, e.low, e.high] for e in estimates]).T * 1e3
        _points(noise, depth, values, name, _DATA[k], _MARKERS[k])
    _label(noise, "depth [m]", "standard deviation of depth [mm]", "Noise about the wall")
    noise.set_xlim(left=0.0)
    noise.set_ylim(bottom=0.0)
    model = np.interp(depth, result.curve_depth, result.curve[0])
    band = np.array([np.interp(depth, result.curve_depth, line) for line in result.curve]) / model - 1.0
    values = np.array([[e.value, e.low, e.high] for e in result.total]).T / model - 1.0
    rest.axhline(0.0, color=_MODEL)
    rest.fill_between(depth, band[1] * 100, band[2] * 100, color=_MODEL, alpha=0.2, lw=0, label="model, 95 %")
    _points(rest, depth, values * 100, "one frame", _DATA[0], _MARKERS[0])
    _label(rest, "depth [m]", "data over model, less 1 [%]", "Departure from the law")
    bias = np.array([wall.depth - wall.distance for wall in result.walls])
    shares.plot(depth, [100 * wall.invalid for wall in result.walls], "o-", color=_DATA[0], label="no return [%]")
    shares.plot(depth, [100 * wall.outliers for wall in result.walls], "s-", color=_DATA[1], label="off the plane [%]")
    _label(shares, "depth [m]", "share of pixels [%]", "Lost pixels and bias")
    other = shares.twinx()
    other.plot(depth, bias * 1e3, "D--", color=_DATA[2], label="bias [mm]")
    other.set_ylabel("measured less given distance [mm]", color=_DATA[2])
    lines = [*shares.get_lines(), *other.get_lines()]
    shares.set_ylim(0.0, max(1.0, 120 * max(max(wall.invalid, wall.outliers) for wall in result.walls)))
    shares.legend(lines, [str(line.get_label()) for line in lines], fontsize=8, loc="upper left")
    figure.suptitle("Depth noise of a flat wall")
    _save(figure, path)


def plot_lens(path: str | Path, result: LensCalibration) -> None:
    """Draw a lens's corners and residuals, and its distortion with its interval.

    Args:
        path: PNG file to write.
        result: What was measured.

    Raises:
        UsageError: If Matplotlib is missing.
    """
    figure, axes = _figure(2, 2)
    where, scatter, views, curve = axes.ravel()
    _draw_distortion(curve, result)
    points, rest = result.corners.reshape(-1, 2), result.residuals.reshape(-1, 2)
    rms = result.estimates["reprojection_error"]
    size = 0.02 * max(result.size) / max(rms.value, 1e-9)
    where.quiver(*points.T, *(rest.T * size), angles="xy", scale_units="xy", scale=1.0, width=0.002, color=_DATA[0])
    where.plot(result.intrinsics[2], result.intrinsics[3], "+", color=_DATA[1], ms=12, mew=2, label="principal point")
    where.set_xlim(0, result.size[0] - 1)
    where.set_ylim(result.size[1] - 1, 0)
    where.set_aspect("equal")
    _label(where, "x [px]", "y [px]", f"Residuals of {len(points)} corners, {size:.0f} times longer")
    scatter.scatter(*rest.T, s=4, color=_DATA[0], alpha=0.5, lw=0, label="corners")
    angle = np.linspace(0.0, 2.0 * math.pi, 100)
    # Of a normal scatter in two dimensions, 95 % lie within 1.73 times the RMS distance.
    radius = math.sqrt(-math.log(0.05)) * rms.value
    scatter.plot(radius * np.cos(angle), radius * np.sin(angle), color=_MODEL, label="95 % of a normal scatter")
    scatter.set_aspect("equal", adjustable="datalim")
    _label(scatter, "residual in x [px]", "residual in y [px]", f"RMS {rms.value:.3f} px")
    views.bar(np.arange(len(result.pictures)), result.picture_errors, color=_DATA[0], label="picture")
    views.axhline(rms.value, color=_MODEL, label="all")
    _label(views, "picture", "RMS residual [px]", "Pictures")
    views.legend(fontsize=8, loc="lower left")
    names = ", ".join(f"{name} {result.estimates[name].value:.1f}" for name in ("fx", "fy", "cx", "cy"))
    figure.suptitle(f"{result.lens.model}, {names} px")
    _save(figure, path)


def plot_inertial_noise(path: str | Path, result: InertialNoise) -> None:
    """Draw the Allan deviations of an inertial unit's axes, the fitted law, and its three parts.

    Args:
        path: PNG file to write.
        result: What was measured.

    Raises:
        UsageError: If Matplotlib is missing.
    """
    figure, axes = _figure(1, 2)
    tau = result.averaging_time
    units = {"gyroscope": "rad/s", "accelerometer": "m/s²"}
    for side, (part, deviation) in zip(axes[0], result.deviation.items(), strict=True):
        for k, axis in enumerate(AXES):
            side.loglog(tau, deviation[:, k], _MARKERS[k], color=_DATA[k], mfc="none", ms=6, label=axis)
        fitted, low, high = result.law[part]
        side.loglog(tau, fitted, color=_MODEL, label="fit")
        side.fill_between(tau, np.maximum(low, 1e-3 * fitted), high, color=_MODEL, alpha=0.2, lw=0, label="95 %")
        terms = np.sqrt(allan_terms(tau))
        names = ("noise_density", "bias_instability", "random_walk")
        for name, letter, style, term in zip(names, "NBK", ("--", ":", "-."), terms.T, strict=True):
            estimate = result.estimates[f"{part}_{name}"]
            if estimate.value > 0.0:
                side.loglog(tau, estimate.value * term, style, color=_MODEL, lw=1, label=f"{letter} = {estimate.text}")
        side.set_ylim(0.2 * float(np.min(deviation)), 2.0 * float(np.max(deviation)))
        _label(side, "averaging time [s]", f"Allan deviation [{units[part]}]", part)
        side.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.19))
    figure.suptitle(f"Inertial unit at rest, {result.samples} samples at {result.rate:.4g} Hz")
    _save(figure, path)


def _draw_transfer(axes: Axes, result: PhotonTransfer) -> None:
    gain, end = result.estimates["gain"], float(np.nanmax(result.signal)) * 1.05
    line = np.array([0.0, end])
    axes.plot(line, gain.value * line, color=_MODEL, label=f"K = {gain.text}")
    axes.fill_between(line, gain.low * line, gain.high * line, color=_MODEL, alpha=0.25, lw=0, label="95 %")
    for k, phase in enumerate(result.phases):
        used, colour = result.used[:, k], _COLOURS[phase[0]]
        error = 1.96 * result.variance_deviation[:, k]
        axes.errorbar(
            result.signal[used, k], result.variance[used, k], error[used], fmt=_MARKERS[k], color=colour, ms=5,
            label=f"{phase}, fitted",
        )  # fmt: skip
        if (~used).any():
            axes.plot(
                result.signal[~used, k], result.variance[~used, k], _MARKERS[k], color=colour, ms=5, mfc="none",
                label=None if k else "not fitted",
            )  # fmt: skip
    if "full_well" in result.estimates:
        full = result.estimates["full_well"].value * gain.value
        axes.axvline(full, color=_MODEL, ls=":", lw=1, label="saturation")
    axes.set_xlim(0.0, end)
    top = float(np.nanmax(result.variance))
    axes.set_ylim(-0.04 * top, 1.15 * top)
    _label(axes, "mean less dark [DN]", "temporal variance less dark [DN²]", "Photon transfer")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(0.9, 0.08))


def _draw_residual(axes: Axes, result: PhotonTransfer) -> None:
    gain = result.estimates["gain"]
    axes.axhline(0.0, color=_MODEL)
    half = 50.0 * (gain.high - gain.low) / gain.value
    axes.axhspan(-half, half, color=_MODEL, alpha=0.2, lw=0, label="K, 95 %")
    for k, phase in enumerate(result.phases):
        used = result.used[:, k]
        error = 196.0 * result.variance_deviation[used, k] / (gain.value * result.signal[used, k])
        axes.errorbar(
            result.signal[used, k], 100.0 * result.residual[used, k], error, fmt=_MARKERS[k], ms=5,
            color=_COLOURS[phase[0]], label=phase,
        )  # fmt: skip
    axes.set_xlim(left=0.0)
    axes.margins(y=0.2)
    _label(axes, "mean less dark [DN]", "variance over K mean, less 1 [%]", "Residuals of the fitted points, 95 %")
    axes.legend(fontsize=8, ncols=5, loc="upper center")


def _draw_dark(axes: Axes, result: PhotonTransfer) -> None:
    time, gain, black = result.dark_time, result.estimates["gain"].value, result.estimates["black_level"].value
    noise = result.estimates["temporal_dark_noise"].value
    offset = (black, gain**2 * noise**2 + 1.0 / 12.0)
    other = axes.twinx()
    for side, values, errors, start, name, colour, power in (
        (axes, result.dark_mean, result.dark_deviation[0], offset[0], "dark_current", _DATA[0], 1),
        (other, result.dark_variance, result.dark_deviation[1], offset[1], "dark_current_from_variance", _DATA[1], 2),
    ):
        label = "mean" if power == 1 else "variance"
        side.errorbar(time, values, 1.96 * errors, fmt=_MARKERS[power - 1], color=colour, ms=5, label=label)
        if name in result.estimates:
            line, estimate = np.linspace(0.0, 1.05 * time.max(), 50), result.estimates[name]
            value, low, high = (
                start + gain**power * slope * line for slope in (estimate.value, estimate.low, estimate.high)
            )
            side.plot(line, value, "-" if power == 1 else "--", color=colour, label=f"{label}: {estimate.text}")
            side.fill_between(line, low, high, color=colour, alpha=0.25, lw=0)
    axes.margins(y=0.25)  # the two lines lie beside each other
    _label(axes, "exposure time [s]", "mean of darks [DN]", "Darks")
    axes.yaxis.label.set_color(_DATA[0])
    other.set_ylabel("temporal variance of darks [DN²]", color=_DATA[1])
    pairs = [side.get_legend_handles_labels() for side in (axes, other)]
    axes.legend(pairs[0][0] + pairs[1][0], pairs[0][1] + pairs[1][1], fontsize=8, loc="upper left")


def _draw_response(axes: Axes, result: PhotonTransfer) -> None:
    for k, phase in enumerate(result.phases):
        name = "responsivity" if len(result.phases) == 1 else f"responsivity[{phase}]"
        colour = _COLOURS[phase[0]]
        axes.plot(result.exposure_time, result.signal[:, k], _MARKERS[k], color=colour, ms=5, label=phase)
        if name in result.estimates:
            line = np.linspace(0.0, float(result.exposure_time.max()), 50)
            axes.plot(line, result.estimates[name].value * line, color=colour, lw=1, alpha=0.7)
    axes.set_ylim(0.0, 1.1 * float(np.nanmax(result.signal)))
    shown = {"read noise": "read_noise", "DSNU": "dark_signal_nonuniformity", "PRNU": "photo_response_nonuniformity"}
    texts = [f"{label} {result.estimates[name].text}" for label, name in shown.items()]
    axes.text(0.98, 0.03, "\n".join(texts), transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
    _label(axes, "exposure time [s]", "mean less dark [DN]", "Response: points, and the line of 5 to 70 %")


def _draw_distortion(axes: Axes, result: LensCalibration) -> None:
    """Draw by how much the lens moves the points of a line from its axis to the right, with its interval."""
    fx, _, cx, _ = result.intrinsics
    coefficients = np.array(result.lens.coefficients)
    angle = np.linspace(0.0, 1.0, 60) * min(max(cx, result.size[0] - 1 - cx) / fx, 1.5)

    def move(values: Any) -> Any:
        lens = replace(result.lens, coefficients=tuple(values))
        rays = np.stack([np.sin(angle), np.zeros(60), np.cos(angle)], axis=1)
        return fx * (project_directions(rays, lens)[:, 0] - np.tan(angle))

    value = move(coefficients)
    step = np.maximum(1e-6 * np.abs(coefficients), 1e-8)
    slopes = np.stack([(move(coefficients + step * unit) - value) for unit in np.eye(len(step))]) / step[:, None]
    half = 1.96 * np.sqrt((slopes * (result.covariance[4:, 4:] @ slopes)).sum(axis=0))
    degrees = np.degrees(angle)
    axes.plot(degrees, value, color=_MODEL, label="fit")
    axes.fill_between(degrees, value - half, value + half, color=_MODEL, alpha=0.25, lw=0, label="95 %, fx held")
    reach = np.hypot(*((result.corners.reshape(-1, 2) - result.intrinsics[2:]) / result.intrinsics[:2]).T).max()
    seen = float(np.interp(reach, (value / fx + np.tan(angle)), degrees))
    axes.axvline(seen, color=_DATA[1], ls=":", label="farthest corner seen")
    _label(axes, "angle to the axis [deg]", "moved from a pinhole's image [px]", "Distortion to the right")


def _depth_law(result: DepthNoise) -> str:
    if result.law == "stereo":
        return f"z² s / (f B), s = {result.estimates['disparity_noise'].text}"
    a, b, c = (result.estimates[name].value for name in ("axial_floor", "axial_growth", "axial_nearest"))
    return f"{a:.4g} + {b:.4g} (z − {c:.3g})² [m]"


def _points(axes: Axes, place: Any, values: Any, name: str, colour: str, marker: str) -> None:
    if np.isfinite(values[0]).all():
        axes.errorbar(
            place, values[0], np.abs(values[1:] - values[0]), fmt=marker, color=colour, mfc="none", ms=6, capsize=3,
            label=name,
        )  # fmt: skip


def _label(axes: Axes, x: str, y: str, title: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _figure(rows: int, columns: int) -> tuple[Figure, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise UsageError("a plot needs Matplotlib: pip install 'simloom[calibrate]', or leave --plot out") from None
    figure = Figure(figsize=(5.2 * columns, 4.2 * rows), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)  # no window, no global state
    return figure, figure.subplots(rows, columns, squeeze=False)


def _save(figure: Figure, path: str | Path) -> None:
    figure.savefig(str(path), format="png", metadata={"Software": None})
