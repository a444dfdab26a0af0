"""Noise of an inertial unit from a log at rest: N, B and K of its Allan variance, counts and mean bias.

The variances of the three axes are averaged, and

    sigma^2(tau) = N^2 / tau + (2 ln2 / pi) B^2 + K^2 tau / 3,     N, B, K >= 0

is fitted at averaging times that double, by least squares with the covariance of the estimates (`allan`), which depends
on N, B and K and is found along with them. Intervals are those of the squares, cut at zero; where the three axes or the
law disagree more than the covariance says, they are widened (Birge). Readings in counts have the variance of a rounded
number, q^2 / 12, white: it is taken off N^2, since a profile's resolution puts it on again.

The means of the gyroscopes are the bias of this power-up; their mean square is taken for the turn-on bias' variance,
with the interval of three values. What gravity and its direction leave of the accelerometers' bias is not known from
one attitude.

Sources: IEEE Std 952-1997, annex C; Birge, Phys. Rev. 40, 1932.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .allan import PLATEAU, AllanCovariance, allan_terms, octave_factors, overlapping_allan_deviation
from .estimate import Estimate, make_estimate, root_estimate
from .inertial_log import InertialLog

Array = NDArray[np.float64]

AXES: Final = ("x", "y", "z")
_GRAVITY: Final = (9.0, 10.6)
_LEVELS: Final = 1 << 16
_ROUNDS: Final = 12
_UNITS: Final = {
    "gyroscope": ("rad/s", "rad/s/sqrt(Hz)", "rad/s/s/sqrt(Hz)"),
    "accelerometer": ("m/s^2", "m/s^2/sqrt(Hz)", "m/s^2/s/sqrt(Hz)"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class InertialNoise:
    """A measured unit: F averaging times."""

    rate: float
    """Readings per second [Hz]."""
    samples: int
    """Samples of the log."""
    estimates: dict[str, Estimate]
    """Estimates by name: fields of a profile, and the axes' mean readings."""
    averaging_time: Array
    """Averaging times [s], shape (F,)."""
    deviation: dict[str, Array]
    """Allan deviation of each axis, shape (F, 3), of "gyroscope" and "accelerometer"."""
    law: dict[str, Array]
    """The fitted law there and the ends of its 95 % interval, shape (3, F)."""
    flicker_time: dict[str, tuple[float, float] | None]
    """Averaging times about which flicker shows [s]; None where it does not."""
    notes: tuple[str, ...]
    """What the log could not tell, and what was assumed."""


def measure_inertial_noise(log: InertialLog, *, shortest: float = 0.0) -> InertialNoise:
    """Measure a unit from a log at rest.

    Args:
        log: What it read while it lay still, the longer the better: hours for B and K.
        shortest: Averaging times below this are left out [s]: a unit whose own low-pass lies far below half its rate
            has no white noise there.

    Raises:
        UsageError: If the log is too short, or not one of a unit at rest.
    """
    samples = len(log.angular_rate)
    force = float(np.linalg.norm(log.specific_force.mean(axis=0)))
    if not _GRAVITY[0] <= force <= _GRAVITY[1]:
        raise UsageError(
            f"the mean specific force is {force:.4g}, a unit at rest feels 9.8 m/s^2; give accelerations in m/s^2, "
            "with gravity, of a unit that lies still"
        )
    if not (math.isfinite(shortest) and shortest >= 0.0):
        raise UsageError(f"the shortest averaging time must be at least 0 s, got {shortest}")
    factors = octave_factors(samples, max(1, math.ceil(shortest * log.rate)))
    if len(factors) < 4:
        raise UsageError(f"{samples} samples at {log.rate:.4g} Hz are too few from {shortest:g} s on; record longer")
    tau = factors / log.rate
    covariance = AllanCovariance(samples, log.rate, factors)
    notes: list[str] = []
    estimates: dict[str, Estimate] = {}
    deviation, law = {}, {}
    flicker: dict[str, tuple[float, float] | None] = {}
    for part, values in (("gyroscope", log.angular_rate), ("accelerometer", log.specific_force)):
        spread = values.std(axis=0)
        if not (spread > 0.0).all():
            raise UsageError(f"the {part}'s {AXES[int(np.argmin(spread))]} axis never changes; is it connected?")
        deviation[part] = overlapping_allan_deviation(values, log.rate, factors)
        squares, spreads = _fit_noise(tau, deviation[part], covariance)
        unit, density, walk = _UNITS[part]
        step = _find_step(values)
        rounding = 0.0 if step is None else step * step / 12.0 / log.rate
        name = f"{part}_noise_density"
        estimates[name] = root_estimate(name, density, squares[0] - rounding, math.sqrt(spreads[0, 0]))
        for k, (field, unit_k) in enumerate((("bias_instability", unit), ("random_walk", walk)), start=1):
            name = f"{part}_{field}"
            estimates[name] = root_estimate(name, unit_k, squares[k], math.sqrt(spreads[k, k]))
            if estimates[name].low == 0.0:
                notes.append(f"{name}: not told from 0 by {samples / log.rate:.4g} s; record longer")
        if step is None:
            notes.append(f"{part}_resolution: the readings show no counts")
        else:
            name = f"{part}_resolution"
            estimates[name] = make_estimate(name, unit, step, 0.0)
        flicker[part] = _flicker_time(squares, spreads, samples / log.rate)
        terms = allan_terms(tau)
        half = 1.96 * np.sqrt(np.sum((terms @ spreads) * terms, axis=1))
        fitted = terms @ squares
        law[part] = np.sqrt(np.stack([fitted, np.maximum(fitted - half, 0.0), fitted + half]))
        of_mean = math.sqrt(float(allan_terms([samples / log.rate])[0] @ squares))
        for k, axis in enumerate(AXES):
            name = f"{part}_mean_{axis}"
            estimates[name] = make_estimate(name, unit, float(values[:, k].mean()), of_mean)
    bias = float(np.mean(log.angular_rate.mean(axis=0) ** 2))
    estimates["gyroscope_turn_on_bias"] = root_estimate(
        "gyroscope_turn_on_bias", "rad/s", bias, bias * math.sqrt(2.0 / 3.0)
    )
    notes.append("gyroscope_turn_on_bias: of one power-up alone; the accelerometers' is not told by one attitude")
    return InertialNoise(
        rate=log.rate, samples=samples, estimates=estimates, averaging_time=tau, deviation=deviation, law=law,
        flicker_time=flicker, notes=tuple(notes),
    )  # fmt: skip


def _fit_noise(tau: Array, deviations: Array, covariance: AllanCovariance) -> tuple[Array, Array]:
    """Return what `_fit` does.

    Raises:
        UsageError: If nothing of the law fits.
    """
    try:
        found = _fit(tau, deviations, covariance)
    except (np.linalg.LinAlgError, ValueError, RuntimeError):
        found = None
    if found is None or not all(np.isfinite(part).all() for part in found):
        raise UsageError(
            "the log does not look like noise at rest: no white noise, flicker and random walk fit its Allan "
            "deviation; was the unit still, on firm ground, and warm?"
        )
    return found


def _fit(tau: Array, deviations: Array, covariance: AllanCovariance) -> tuple[Array, Array]:
    """Return N^2, B^2 and K^2, and their covariance."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    terms, variance = allan_terms(tau), np.mean(deviations**2, axis=1)
    axes = deviations.shape[1]
    # First with errors in proportion to the values, then with those of the law that was found.
    squares, _ = nnls(terms / variance[:, None], np.ones(len(tau)))
    spreads = np.zeros((3, 3))
    for _ in range(_ROUNDS):
        before = squares
        lower = np.linalg.cholesky(covariance.at(squares) / axes)
        white, target = (solve_triangular(lower, side, lower=True) for side in (terms, variance))
        scale = np.linalg.norm(white, axis=0)  # N^2, B^2 and K^2 differ by orders of magnitude
        found, _ = nnls(white / scale, target)
        squares = found / scale
        rest = target - white @ squares
        freedom = max(len(tau) - int(np.count_nonzero(found)), 1)
        birge = max(1.0, float(rest @ rest) / freedom)
        inverse = np.linalg.inv((white / scale).T @ (white / scale))
        spreads = birge * inverse / np.outer(scale, scale)
        if np.allclose(squares, before, rtol=1e-6, atol=0.0):
            break
    return squares, spreads


def _flicker_time(squares: Array, spreads: Array, length: float) -> tuple[float, float] | None:
    """Return a decade to either side of where flicker stands out most."""
    plateau = squares[1] * PLATEAU**2
    if plateau <= 0.0 or squares[1] < 1.96 * math.sqrt(spreads[1, 1]):
        return None
    begin = squares[0] / plateau
    end = 3.0 * plateau / squares[2] if squares[2] > 0.0 else max(length, begin)
    middle = math.sqrt(max(begin, 1e-2) * max(end, 1e-2))
    return float(f"{0.1 * middle:.3g}"), float(f"{10.0 * middle:.3g}")


def _find_step(values: Array) -> float | None:
    """Return the step of readings in counts, the same for all axes; None where there is none."""
    found = []
    for k in range(values.shape[1]):
        levels = np.unique(values[:_LEVELS, k])
        if len(levels) < 3 or len(levels) > min(_LEVELS, len(values)) // 4:
            return None
        gaps = np.diff(levels)
        step = float(gaps.min())
        counts = np.rint(gaps / step)
        if (np.abs(gaps - counts * step) > 0.05 * step * counts).any():
            return None
        found.append(float(gaps.sum() / counts.sum()))
    return float(np.median(found))
