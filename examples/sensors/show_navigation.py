"""Show ten minutes of wheel odometry and satellite positioning, how errors grow, rangers at a corner, and lateness.

Run: python examples/sensors/show_navigation.py navigation.png
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels import (
    ObservationTiming,
    apply_gnss,
    apply_odometry,
    apply_ranger,
    load_profile,
    observe,
    ranger_directions,
    sample_times,
)

Array = NDArray[Any]

SPEED, RATE = 0.2, 20.0
WALL_X, WALL_Y = 1.5, 1.2
"""Distances of a corner's walls [m]."""
INK, RED, BLUE, GREEN, GREY = "#222222", "#c0392b", "#2166ac", "#2a8a4a", "#9a9a9a"


def drive_laps(minutes: float) -> Array:
    """Return forward speed and yaw rate of laps about a rounded rectangle of 13 x 9 m, shape (1, T, 2)."""
    time = np.arange(1 + round(minutes * 60 * RATE)) / RATE
    radius, sides = 1.5, (10.0, 6.0)
    corner = radius * math.pi / 2
    place = SPEED * time % (2 * sum(sides) + 4 * corner)
    turns = np.zeros_like(place)
    start = 0.0
    for side in (*sides, *sides):
        start += side
        turns += (place >= start) & (place < start + corner)
        start += corner
    return np.stack([np.full_like(time, SPEED), turns * SPEED / radius], axis=-1)[None]


def draw_drive(axes: Any, minutes: float) -> dict[str, Array]:
    """Draw the way, odometry of three specimens and the fixes of two receivers."""
    twist = drive_laps(minutes)
    index = np.arange(3)
    odometry = apply_odometry(np.repeat(twist, 3, axis=0), seed=3, index=index, unit=index)
    truth = odometry.true_pose[0]
    antenna = np.stack([truth[:, 0], truth[:, 1], np.zeros(len(truth))], axis=-1)[None, ::20]
    still = np.zeros_like(antenna)
    code = apply_gnss(antenna, still, "ublox_m8", rate=1.0, seed=3, index=[0])
    carrier = apply_gnss(antenna, still, "ublox_f9p_rtk", rate=1.0, seed=3, index=[0])
    axes.plot(*code.position[0, :, :2].T, ".", ms=2, color=RED, alpha=0.6, label="code fixes, 2.5 m CEP")
    for unit in index:
        label = "odometry, three specimens" if unit == 0 else None
        axes.plot(*odometry.pose[unit, ::20, :2].T, color=BLUE, lw=0.9, alpha=0.8, label=label)
    axes.plot(*truth[:, :2].T, color=INK, lw=1.6, label="truth")
    axes.plot(*carrier.position[0, :, :2].T, ".", ms=2, color=GREEN, label="RTK fixes, fixed and floating")
    axes.set(title=f"{minutes:g} minutes at {SPEED} m/s", xlabel="east [m]", ylabel="north [m]", aspect="equal")
    axes.legend(fontsize=7, loc="upper right")
    return {"truth": truth, "odometry": odometry.pose, "code": code.position, "carrier": carrier.position}


def draw_growth(axes: Any, robots: int) -> dict[str, Array]:
    """Draw deviations of many robots on a straight way beside the closed form."""
    profile = load_profile("turtlebot3_burger")
    time = np.arange(1, 601) * 1.0
    rate = 5
    steps = np.broadcast_to([SPEED, 0.0], (robots, 1 + rate * len(time), 2))
    index = np.arange(robots)
    reading = apply_odometry(steps, profile, rate=float(rate), seed=1, index=index, unit=0)
    spread = reading.pose[:, rate::rate, 1].std(axis=0)
    q = 2 * profile.slip_variance * SPEED / profile.base_width**2
    formula = np.sqrt(SPEED**2 * q * time**3 / 3)
    zero = np.zeros((robots, len(time), 3))
    code = apply_gnss(zero, zero, "ublox_m8", rate=1.0, seed=1, index=index).error[..., 1].std(axis=0)
    carrier = apply_gnss(zero, zero, "ublox_f9p_rtk", rate=1.0, seed=1, index=index).error[..., 1].std(axis=0)
    axes.loglog(time, spread, color=BLUE, lw=2, label=f"odometry across, {robots} robots of one specimen")
    axes.loglog(time, formula, "--", color=INK, lw=1, label=r"$\sqrt{v^2 q\, t^3 / 3}$")
    axes.loglog(time, code, color=RED, lw=1, label="code fixes, north")
    axes.loglog(time, carrier, color=GREEN, lw=1, label="RTK, north")
    axes.set(title="Growth of errors on a straight way", xlabel="time [s]", ylabel="standard deviation [m]")
    axes.legend(fontsize=7)
    return {"spread": spread, "formula": formula}


def sweep_corner(name: str, headings: Array) -> tuple[Array, Array]:
    """Return ranges and statuses of a ranger that turns before a corner."""
    profile = load_profile(name)
    beam = ranger_directions(profile).direction
    cosine, sine = np.cos(headings)[:, None], np.sin(headings)[:, None]
    x = cosine * beam[:, 0] - sine * beam[:, 1]
    y = sine * beam[:, 0] + cosine * beam[:, 1]
    with np.errstate(divide="ignore"):
        to_x, to_y = np.where(x > 0, WALL_X / x, np.inf), np.where(y > 0, WALL_Y / y, np.inf)
    incidence = np.where(to_x < to_y, x, y).clip(0, 1)
    reading = apply_ranger(
        np.minimum(to_x, to_y).astype(np.float32), profile, cosine=incidence.astype(np.float32),
        reflectance=np.full(x.shape, 0.88, np.float32), seed=1, index=np.zeros(len(headings), int),
        number=np.arange(len(headings)),
    )  # fmt: skip
    return np.asarray(reading.range), np.asarray(reading.status)


def draw_corner(axes: Any) -> dict[str, Array]:
    """Draw what a turning ultrasonic and a light ranger see of a corner: arcs, and the mean of the view."""
    headings = np.radians(np.arange(-75.0, 166.0, 1.5))
    found = {}
    axes.plot([WALL_X, WALL_X, -2.0], [-2.0, WALL_Y, WALL_Y], color=INK, lw=1.5)
    for name, colour, label in (("hc_sr04", BLUE, "ultrasonic"), ("vl53l0x", RED, "light, 25 degrees")):
        measured, status = sweep_corner(name, headings)
        seen = status == 0
        axes.plot(
            (measured * np.cos(headings))[seen], (measured * np.sin(headings))[seen], ".", ms=3, color=colour,
            label=label,
        )  # fmt: skip
        found[name] = np.where(seen, measured, np.nan)
    axes.plot(0, 0, "^", color=INK, ms=6)
    axes.set(title="A ranger turned before a corner", xlabel="x [m]", ylabel="y [m]", aspect="equal")
    axes.set(xlim=(-1.4, 1.75), ylim=(-1.2, 1.5))
    axes.legend(fontsize=7, loc="lower left")
    return {"headings": headings, **found}


def draw_lateness(axes: Any) -> dict[str, Array]:
    """Draw how old the newest fix is at each instant, with late and lost ones."""
    timing = ObservationTiming(sampling_rate=5.0, delay=0.12, jitter=0.06, dropout=0.15)
    schedule = sample_times(timing, 0, 4 * 10**9, seed=2, index=[0])
    instants = np.arange(0, 4 * 10**9, 4 * 10**6)
    age = observe(schedule, schedule.number.astype(float), instants).age[0]
    axes.plot(instants * 1e-9, np.where(age < 0, np.nan, age * 1e-9), color=BLUE, lw=1.2, label="age of what is held")
    for k in range(int(schedule.count[0])):
        there, here = schedule.measured[0, k] * 1e-9, schedule.arrival[0, k] * 1e-9
        colour = GREY if schedule.delivered[0, k] else RED
        axes.plot([there, here], [0, here - there], color=colour, lw=0.8)
        axes.plot(here, here - there, "o" if schedule.delivered[0, k] else "x", color=colour, ms=3)
    axes.set(title="5 Hz, 0.12 s late, 0.06 s jitter, 15 % lost", xlabel="time [s]", ylabel="age [s]")
    axes.plot([], [], "o-", color=GREY, ms=3, lw=0.8, label="measured, under way, arrived")
    axes.plot([], [], "x-", color=RED, ms=3, lw=0.8, label="lost")
    axes.legend(fontsize=7, loc="upper right")
    return {"age": age}


def draw_navigation(minutes: float = 10.0, robots: int = 300) -> tuple[bytes, dict[str, dict[str, Array]]]:
    """Return the picture as PNG, and what its panels show."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels: dict[str, Callable[[Any], dict[str, Array]]] = {
        "drive": lambda axes: draw_drive(axes, minutes),
        "growth": lambda axes: draw_growth(axes, robots),
        "corner": draw_corner,
        "lateness": draw_lateness,
    }
    shown = {}
    for place, (name, draw) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(2, 2, place)
        axes.grid(visible=True, color="#e4e4e4", lw=0.6)
        shown[name] = draw(axes)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    return _pack(picture), shown


def _pack(picture: Array) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python examples/sensors/show_navigation.py navigation.png")
    Path(sys.argv[1]).write_bytes(draw_navigation()[0])
