"""Show the Allan deviation of every built-in inertial unit at rest, with its data sheet's figures.

Run: python examples/sensors/show_allan.py allan.png
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import Image, encode_small_png
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from simloom.kernels import InertialProfile, apply_imu, list_profiles, load_profile
from simloom.sim.calibration.allan import PLATEAU, allan_terms, octave_factors, overlapping_allan_deviation

RATE = 100.0
PIECE = 50_000
"""Samples that are made at a time; each piece goes on from the history of the one before."""
UNITS = {"gyroscope": ("deg/h", 3600.0 * 180.0 / math.pi), "accelerometer": ("µg", 1e6 / 9.80665)}
"""Unit of the picture, and how many of it a profile's is."""


def record_at_rest(profile: InertialProfile, samples: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Record a unit that lies still: three axes each, shape (samples, 3)."""
    parts: dict[str, list[NDArray[np.float64]]] = {part: [] for part in UNITS}
    history = None
    for first in range(0, samples, PIECE):
        turn = np.zeros((1, min(PIECE, samples - first), 3))
        force = turn + np.array([0.0, 0.0, 9.81])
        reading = apply_imu(force, turn, profile, rate=RATE, seed=seed, first=first, history=history)
        history = reading.history
        parts["gyroscope"].append(reading.angular_rate[0])
        parts["accelerometer"].append(reading.specific_force[0])
    return {part: np.concatenate(pieces) for part, pieces in parts.items()}


def draw_allan(hours: float = 6.0) -> Image:
    """Draw a panel for the gyroscopes and one for the accelerometers of each unit, recorded for some hours."""
    names = list_profiles("imu")
    figure = Figure(figsize=(12.4, 6.0), layout="constrained", dpi=90)
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(names), sharex=True, sharey="row", squeeze=False)
    samples = round(hours * 3600.0 * RATE)
    factors = octave_factors(samples)
    tau = factors / RATE
    for column, name in enumerate(names):
        profile = load_profile(name)
        assert isinstance(profile, InertialProfile)
        log = record_at_rest(profile, samples, seed=column)
        for row, (part, (unit, scale)) in enumerate(UNITS.items()):
            panel = panels[row, column]
            deviation = overlapping_allan_deviation(log[part], RATE, factors) * scale
            for axis in range(3):
                panel.loglog(tau, deviation[:, axis], "o", ms=3.5, mew=0, alpha=0.7, color=f"C{axis}",
                             label=f"simulated, {'xyz'[axis]}")  # fmt: skip
            n, b, k = (getattr(profile, f"{part}_{f}") for f in ("noise_density", "bias_instability", "random_walk"))
            terms = allan_terms(tau)
            # Readings in counts have q^2 / 12 more variance.
            q = getattr(profile, f"{part}_resolution")
            squares = np.array([n * n + q * q / 12.0 / RATE, b * b, k * k])
            panel.loglog(tau, n / np.sqrt(tau) * scale, "--", color="0.45", lw=1, label="N / √τ")
            panel.axhline(PLATEAU * b * scale, ls=":", color="0.25", lw=1, label="0.6643 B")
            panel.loglog(tau, k * np.sqrt(tau / 3.0) * scale, "-.", color="0.45", lw=1, label="K √(τ / 3)")
            panel.loglog(tau, np.sqrt(terms @ squares) * scale, color="black", lw=1, label="all three, and counts")
            panel.grid(alpha=0.3)
            if column == 0:
                panel.set_ylabel(f"{part} [{unit}]")
            if row == 0:
                panel.set_title(name, fontsize=10)
            else:
                panel.set_xlabel("averaging time τ [s]")
    for row, (low, high) in enumerate(((0.7, 2e3), (3.0, 1e4))):
        panels[row, 0].set_ylim(low, high)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), fontsize=9, ncols=7, loc="outside lower center")
    figure.suptitle(f"Allan deviation of inertial units at rest, {hours:g} hours at {RATE:g} Hz")
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "allan.png").write_bytes(encode_small_png(draw_allan()))
