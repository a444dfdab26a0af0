"""A satellite positioning receiver, one axis and one sample after the other, with NumPy and SciPy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.linalg import expm

from simloom.kernels.gnss_profile import GnssProfile
from simloom.kernels.philox import philox_words
from simloom.kernels.variates import normal_quantile


def draw(seed: int, item: int, row: int, sensor: int, block: int) -> list[float]:
    """Return the four uniforms of a block of the stream "gnss"."""
    words = philox_words(seed, "gnss", np.array([[item, row & 0xFFFFFFFF, row >> 32]]), sensor << 16 | block)[0]
    return [(float(word) + 0.5) / 2.0**32 for word in words]


def draw_normals(seed: int, item: int, row: int, sensor: int, block: int) -> np.ndarray:
    """Return three normals of a block."""
    return np.array([normal_quantile(u) for u in draw(seed, item, row, sensor, block)[:3]])


def status_generator(profile: GnssProfile) -> np.ndarray:
    """Return the rates between no fix, floating and fixed [1/s]."""
    lost, seen = profile.outages_per_hour / 3600, 1 / profile.outage_duration
    slip, fixes = profile.slips_per_hour / 3600, 1 / profile.float_duration
    if profile.mode == "single":
        rates = np.array([[0, 0, seen], [lost, 0, 0], [lost, 0, 0]])
    else:
        rates = np.array([[0, seen, 0], [lost, 0, fixes], [lost, slip, 0]])
    return rates - np.diag(rates.sum(1))


def receive(
    position: np.ndarray, velocity: np.ndarray, profile: GnssProfile, rate: float, seed: int, row: int, sensor: int
) -> SimpleNamespace:
    """Return the fixes of one row, shape (T, 3), from power-up on."""
    step = 1 / rate
    odds = expm(status_generator(profile) * step)
    stationary = expm(status_generator(profile) * 1e8)[0]
    begin, end = profile.multipath_per_hour / 3600, 1 / profile.multipath_duration
    shift_odds = expm(np.array([[-begin, begin], [end, -end]]) * step)
    axes = np.array([profile.horizontal_sigma] * 2 + [profile.vertical_sigma])
    noise = np.array([profile.horizontal_noise] * 2 + [profile.vertical_noise])
    speed = np.array([profile.velocity_noise] * 2 + [profile.vertical_velocity_noise])
    keep = np.exp(-step / profile.correlation_time)
    out = SimpleNamespace(position=[], velocity=[], status=[], error=[], multipath=[])
    startup = profile.startup_sigma * draw_normals(seed, 0, row, sensor, 4)
    status, shifted = 0, False
    for k in range(len(position)):
        if k == 0:
            wander = draw_normals(seed, 0, row, sensor, 3)
            odds_now, shift_now = stationary, begin / (begin + end)
            status_word, shift_word = draw(seed, 0, row, sensor, 3)[3], draw(seed, 0, row, sensor, 4)[3]
            was_shifted = False
        else:
            wander = keep * wander + np.sqrt(1 - keep**2) * draw_normals(seed, k, row, sensor, 0)
            odds_now, shift_now, was_shifted = odds[status], shift_odds[int(shifted), 1], shifted
            status_word, shift_word = draw(seed, k, row, sensor, 0)[3], draw(seed, k, row, sensor, 1)[3]
        status = int(np.searchsorted(np.cumsum(odds_now)[:2], status_word, side="right"))
        shifted = shift_word < shift_now
        if shifted and not was_shifted:
            offset = profile.multipath_sigma * draw_normals(seed, k, row, sensor, 5)
        scale = profile.float_scale if status == 1 else 1.0
        error = scale * (axes * wander + noise * draw_normals(seed, k, row, sensor, 1))
        error = error + startup * np.exp(-k * step / profile.startup_time) + (offset if shifted else 0.0)
        out.error.append(error)
        out.multipath.append(shifted)
        out.status.append(0 if status == 0 else (1 if profile.mode == "single" else status + 1))
        blank = np.full(3, np.nan)
        out.position.append(blank if status == 0 else position[k] + error)
        out.velocity.append(blank if status == 0 else velocity[k] + speed * draw_normals(seed, k, row, sensor, 2))
    return SimpleNamespace(**{name: np.array(value) for name, value in vars(out).items()})
