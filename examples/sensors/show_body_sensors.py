"""Show what joint encoders, a wrist's force/torque sensor and a tactile pad make of what they feel.

Run: python examples/sensors/show_body_sensors.py encoder_force.png
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import Image, encode_small_png

from simloom.kernels import (
    RigidTool,
    apply_encoder,
    apply_force_torque,
    apply_tactile,
    identify_tool,
    load_profile,
    tool_wrench,
)

TRUTH, READ, MARK = "0.15", "tab:blue", "tab:red"
DEGREE = np.pi / 180.0
BACKLASH = 0.5 * DEGREE
"""Of the joint that is drawn: thirty times that of the built-in profile, so that it shows."""


def draw_encoders(axes: Any) -> None:
    """Draw a joint that swings: its readings, its backlash, its velocity, and the error over a turn."""
    rate = 1000.0
    t = np.arange(2000) / rate
    swing = 1.5 * DEGREE * np.sin(2 * np.pi * t)
    geared: Any = dataclasses.replace(load_profile("incremental_encoder"), backlash=BACKLASH, velocity_cutoff=0.0)
    reading = apply_encoder(swing[None, :, None], geared, rate=rate, seed=1)
    axes[0].plot(t, swing / DEGREE, color=TRUTH, lw=1, label="joint")
    axes[0].plot(t, reading.position[0, :, 0] / DEGREE, color=READ, lw=1, label="reading")
    axes[0].set(title="encoder on the motor, backlash 0.5°", xlabel="time [s]", ylabel="position [deg]")
    axes[0].legend(loc="lower left", fontsize=7)

    closed = slice(1000, 2000)
    axes[1].plot(swing[closed] / DEGREE, reading.follower[0, closed, 0] / DEGREE, color=READ, lw=1)
    axes[1].annotate(
        "", (-0.25, 0.0), (0.25, 0.0), arrowprops={"arrowstyle": "<->", "color": MARK, "shrinkA": 0, "shrinkB": 0}
    )
    axes[1].text(0.32, -0.12, "b", color=MARK)
    axes[1].set(title="the loop is b wide", xlabel="joint [deg]", ylabel="shaft behind the gear [deg]")

    slow = 3.0 * DEGREE * np.sin(np.pi * t)
    raw: Any = dataclasses.replace(load_profile("ams_as5048"), noise=0.0, velocity_window=1, velocity_cutoff=0.0)
    mean: Any = dataclasses.replace(raw, velocity_window=8, velocity_cutoff=20.0)
    for profile, color, name in ((raw, "0.75", "difference"), (mean, READ, "over 8, then 20 Hz")):
        velocity = apply_encoder(slow[None, :, None], profile, rate=rate, seed=1).velocity[0, :, 0]
        axes[2].plot(t, velocity / DEGREE, color=color, lw=0.7, label=name)
    axes[2].plot(t, 3.0 * np.pi * np.cos(np.pi * t), color=TRUTH, lw=1, label="joint")
    axes[2].set(title="14 bits, 1 kHz: steps of 22°/s", xlabel="time [s]", ylabel="velocity [deg/s]")
    axes[2].legend(loc="upper right", fontsize=7)

    turn = np.linspace(0.0, 2 * np.pi, 1500)
    for unit, color in ((0, READ), (1, "tab:orange"), (2, "tab:green")):
        found = apply_encoder(turn[None, :, None], "ams_as5048", seed=1, unit=unit)
        amplitude, phase = found.eccentricity[0, 0]
        expected = amplitude * np.sin(turn + phase) + found.zero_offset[0, 0]
        axes[3].plot(turn / DEGREE, (found.position[0, :, 0] - turn) / DEGREE, ".", ms=1, color=color, alpha=0.5)
        axes[3].plot(turn / DEGREE, expected / DEGREE, color=TRUTH, lw=0.8)
    axes[3].set(
        title="AS5048, three specimens", xlabel="joint [deg]", ylabel="error [deg]", xticks=[0, 90, 180, 270, 360]
    )


def draw_wrist(axes: Any) -> None:
    """Draw a wrist under a load cycle: its readings with overload, its hysteresis, its drift, and its tool."""
    rate = 100.0
    wrist: Any = load_profile("robotiq_ft300s")
    t = np.arange(1200) / rate
    load = np.zeros((1, len(t), 6))
    load[0, :, 2] = -330.0 * np.sin(2 * np.pi * t / 6.0) * np.minimum(t / 6.0, 1.0)
    reading = apply_force_torque(load, wrist, seed=4)
    shown, over = reading.wrench[0, :, 2], reading.overload[0, :, 2] > 0
    axes[0].plot(t, load[0, :, 2], color=TRUTH, lw=1, label="load")
    axes[0].plot(t, shown, color=READ, lw=1, label="reading")
    axes[0].plot(t[over], shown[over], ".", color=MARK, ms=3, label="overload")
    axes[0].set(title="wrist, force along z", xlabel="time [s]", ylabel="force [N]")
    axes[0].legend(loc="lower left", fontsize=7)

    quiet: Any = dataclasses.replace(
        wrist, force_noise=0.0, torque_noise=0.0, force_bias=0.0, torque_bias=0.0, force_drift=0.0, torque_drift=0.0,
        gain_error=0.0, crosstalk=0.0, bandwidth=0.0,
    )  # fmt: skip
    turns = (0, 290, -290, 60, -40, 60, 290)
    part = np.concatenate([np.linspace(a, b, 2 * abs(b - a)) for a, b in itertools.pairwise(turns)])
    cycle = np.zeros((1, len(part), 6))
    cycle[0, :, 2] = part
    error = apply_force_torque(cycle, quiet, seed=4).wrench[0, :, 2] - part
    axes[1].plot(part[:580], error[:580], color="0.7", lw=1, label="first loading")
    axes[1].plot(part[580:], error[580:], color=READ, lw=1, label="cycle, and a small one in it")
    axes[1].set(
        title=f"hysteresis: {100 * wrist.hysteresis:g} % of the range", xlabel="load [N]", ylabel="reading - load [N]"
    )
    axes[1].legend(loc="upper center", fontsize=7)
    axes[1].margins(y=0.3)

    minutes = np.arange(0.0, 1800.0, 0.5)
    warm = 25.0 + 12.0 * (1 - np.exp(-minutes / 500.0))
    rest = np.zeros((3, len(minutes), 6))
    drift = apply_force_torque(rest, wrist, temperature=np.tile(warm, (3, 1)), rate=2.0, seed=4, unit=[1, 2, 3])
    zeroed = drift.offset[:, :, 2] - drift.offset[:, :1, 2]
    for row, color in enumerate((READ, "tab:orange", "tab:green")):
        axes[2].plot(minutes / 60, zeroed[row], color=color, lw=0.8)
    axes[2].set(title="zero after a 12 K warm-up", xlabel="time [min]", ylabel="offset of z [N]")
    twin = axes[2].twinx()
    twin.plot(minutes / 60, warm, color=TRUTH, lw=1, ls="--")
    twin.set_ylabel("temperature [°C]")

    tool = RigidTool(mass=1.2, center=(0.0, 0.01, 0.08))
    angle = np.arange(24) * 2 * np.pi / 24
    poses = np.tile(np.eye(4), (24, 1, 1))
    poses[:, 1:3, 1:3] = np.moveaxis(np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), 2, 0)
    tilt = np.array([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    poses[:, :3, :3] = np.einsum("nij,jk->nik", poses[:, :3, :3], tilt)
    weight = tool_wrench(poses, tool.mass, tool.center)
    held = apply_force_torque(weight.repeat(50, axis=0)[None], wrist, seed=4).wrench[0]
    found = identify_tool(held.reshape(24, 50, 6).mean(axis=1), -poses[:, 2, :3])
    time = np.arange(len(held)) / rate
    left = held - found.bias - tool_wrench(poses, found.tool.mass, found.tool.center).repeat(50, axis=0)
    axes[3].plot(time, held[:, 2], color=READ, lw=0.8, label="reading")
    axes[3].plot(time, left[:, 2], color="tab:orange", lw=0.8, label="tool and offset taken out")
    axes[3].plot(time, weight.repeat(50, axis=0)[:, 2], color=TRUTH, lw=0.8, label="weight of the tool")
    axes[3].set(
        title=f"{tool.mass} kg at the wrist, found {found.tool.mass:.2f} kg", xlabel="time [s]", ylabel="force [N]"
    )
    axes[3].set_ylim(-12, 19)
    axes[3].legend(loc="upper center", fontsize=7)


def draw_pad(axes: Any) -> None:
    """Draw a ball that rolls over a pad: four images, and where the pad feels it."""
    pad: Any = load_profile("tactile_pad_4x4")
    samples = 200
    along = np.linspace(-0.0085, 0.0085, samples)
    path = np.stack([along, 0.004 * np.sin(np.pi * along / 0.008)], axis=1)
    contacts = np.zeros((1, samples, 1, 4))
    contacts[0, :, 0, :2] = path
    contacts[0, :, 0, 2:] = (3.0, 1.0)
    reading = apply_tactile(contacts, pad, seed=2)
    middles = (np.arange(4) - 1.5) * pad.pitch
    for axis, k in zip(axes[:3], (40, 100, 145), strict=True):
        picture = axis.imshow(
            reading.force[0, k], origin="lower", extent=(-8, 8, -8, 8), vmin=0, vmax=1.4, cmap="viridis"
        )
        axis.plot(*(1e3 * path.T), color="w", lw=0.6, ls=":")
        axis.plot(*(1e3 * path[k]), "o", mfc="none", color=MARK, ms=9)
        axis.set(title=f"ball of 3 N, {k / pad.rate:.2f} s", xlabel="x [mm]", ylabel="y [mm]")
        axis.figure.colorbar(picture, ax=axis, label="force [N]", shrink=0.85)
    total = reading.force[0].sum(axis=(1, 2))
    pressed = total > 0.5
    found_x = (reading.force[0].sum(axis=1) * middles).sum(axis=1)[pressed] / total[pressed]
    found_y = (reading.force[0].sum(axis=2) * middles).sum(axis=1)[pressed] / total[pressed]
    axes[3].plot(1e3 * path[:, 0], 1e3 * path[:, 1], color=TRUTH, lw=1, label="ball")
    axes[3].plot(1e3 * found_x, 1e3 * found_y, ".", ms=2, color=READ, label="centre of pressure")
    axes[3].set(title="where the pad feels it", xlabel="x [mm]", ylabel="y [mm]", xlim=(-8.5, 8.5), ylim=(-8.5, 8.5))
    axes[3].set_aspect("equal")
    axes[3].legend(loc="lower right", fontsize=7)


def draw_body_sensors(dots_per_inch: int = 90) -> Image:
    """Draw all of them: a line of pictures for encoders, one for the wrist, one for the pad."""
    figure = Figure(figsize=(15.0, 9.6), dpi=dots_per_inch, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(3, 4)
    draw_encoders(axes[0])
    draw_wrist(axes[1])
    draw_pad(axes[2])
    for axis in axes.flat:
        axis.title.set_fontsize(10)
    for axis in axes[:2].flat:
        axis.grid(lw=0.3)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "encoder_force.png")
    target.write_bytes(encode_small_png(draw_body_sensors(), 300_000))
