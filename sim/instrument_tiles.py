"""Pictures of what a rig's instruments read: clouds from above, and series over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import cv2  # noqa: TID253 (one of its homes)
import numpy as np
from numpy.typing import NDArray

from .drawing import Image, Tile, instance_colours, write_text

_BACKGROUND: Final = (24, 26, 30)
_GRID: Final = (58, 62, 68)
_INK: Final = (200, 204, 210)
_LINES: Final = ((230, 85, 75), (90, 190, 90), (85, 140, 240), (235, 170, 60), (180, 110, 220), (80, 200, 200))
_SIDE: Final = 300
_SERIES: Final[dict[str, tuple[str, str]]] = {
    "specific_force": ("specific force", "m/s^2"),
    "angular_rate": ("turn rate", "rad/s"),
    "joint_position": ("joint position", ""),
    "joint_velocity": ("joint velocity", ""),
    "wrench": ("wrench", "N, Nm"),
    "contact_wrench": ("contact wrench", "N, Nm"),
    "distance": ("distance", "m"),
    "position": ("position", "m"),
    "planar_pose": ("planar pose", "m, rad"),
}
"""Caption and unit of each reading that is drawn over time; its change since the first sample where it is a place."""
_PLACES: Final = ("position", "joint_position")


def instrument_tiles(name: str, row: Mapping[str, NDArray[Any]]) -> list[Tile]:
    """Draw what an instrument read in one row.

    Args:
        name: The instrument.
        row: Arrays of the row by name.

    Returns:
        (caption, sRGB picture) of each reading.
    """
    tiles: list[Tile] = []
    if f"sensor/{name}/point" in row:
        tiles += _cloud_tiles(name, row)
    if f"sensor/{name}/normal_force" in row:
        force = np.asarray(row[f"sensor/{name}/normal_force"], np.float64)[-1]
        tiles.append((f"normal force, up to {np.nanmax(force, initial=0.0):.2f} N", _pad_picture(force)))
    for reading, (caption, unit) in _SERIES.items():
        if f"sensor/{name}/{reading}" in row:
            values = np.asarray(row[f"sensor/{name}/{reading}"], np.float64)
            values = values.reshape(len(values), -1)
            if reading == "distance":
                values = np.where(values > 0.0, values, np.nan)
            moved = reading in _PLACES
            if moved:
                known = np.isfinite(values).all(axis=1)
                values, caption = values - values[int(known.argmax())], f"{caption}, change"
            seconds = 1e-9 * (row[f"sensor/{name}/time"] - row[f"sensor/{name}/time"][0])
            tiles.append((f"{caption} [{unit}]" if unit else caption, series_picture(seconds, values)))
    return tiles


def series_picture(
    seconds: NDArray[Any], values: NDArray[np.float64], *, width: int = _SIDE, height: int = 180
) -> Image:
    """Draw series over time, each in a colour of its own.

    Args:
        seconds: Time of each sample [s], shape (K,).
        values: Values, shape (K, C); NaN leaves a gap.
        width: Width of the picture [px].
        height: Its height [px].

    Returns:
        sRGB bytes, shape (height, width, 3).
    """
    picture = np.full((height, width, 3), _BACKGROUND, np.uint8)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    room = max(high - low, 1e-9)
    length = max(float(seconds[-1]), 1e-9) if len(seconds) else 1.0
    x = 8 + np.asarray(seconds, np.float64) / length * (width - 16)
    cv2.line(picture, (8, height - 20), (width - 8, height - 20), _GRID, 1)
    for column in range(values.shape[1]):
        y = height - 24 - (values[:, column] - low) / room * (height - 44)
        colour = _LINES[column % len(_LINES)]
        for k in range(1, len(x)):
            if np.isfinite(y[k - 1]) and np.isfinite(y[k]):
                cv2.line(
                    picture, (round(x[k - 1]), round(y[k - 1])), (round(x[k]), round(y[k])), colour, 1, cv2.LINE_AA
                )
        if len(x) == 1 and np.isfinite(y[0]):
            cv2.circle(picture, (8, round(float(y[0]))), 2, colour, -1)
    write_text(picture, f"{low:.3g} to {high:.3g}, {length:.3g} s", (8, height - 6), 0.38, _INK)
    return picture


def cloud_picture(points: NDArray[Any], colours: NDArray[Any], reach: float, *, side: int = _SIDE) -> Image:
    """Draw a cloud from above: x to the top, y to the left, the sensor in the middle.

    Args:
        points: Points in the sensor's frame [m], shape (P, 3).
        colours: Colour of each, sRGB bytes, shape (P, 3).
        reach: Half of the picture's side [m], > 0.
        side: Side of the picture [px].

    Returns:
        sRGB bytes, shape (side, side, 3).
    """
    picture = np.full((side, side, 3), _BACKGROUND, np.uint8)
    ring = 10.0 ** np.floor(np.log10(reach))
    for radius in np.arange(ring, 1.5 * reach, ring):
        cv2.circle(picture, (side // 2, side // 2), round(radius / reach * side / 2), _GRID, 1, cv2.LINE_AA)
    order = np.argsort(points[:, 2], kind="stable")  # what is higher covers what is lower
    row = np.rint(side / 2 - points[order, 0] / reach * side / 2).astype(np.int64)
    column = np.rint(side / 2 - points[order, 1] / reach * side / 2).astype(np.int64)
    inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
    picture[row[inside], column[inside]] = np.asarray(colours, np.uint8)[order][inside]
    return picture


def _cloud_tiles(name: str, row: Mapping[str, NDArray[Any]]) -> list[Tile]:
    seen = np.asarray(row[f"sensor/{name}/range"]) > 0.0
    points = np.asarray(row[f"sensor/{name}/point"], np.float64)[seen]
    if not len(points):
        return [("cloud, no return", np.full((_SIDE, _SIDE, 3), _BACKGROUND, np.uint8))]
    reach = max(float(np.percentile(np.hypot(points[:, 0], points[:, 1]), 98.0)), 0.1)
    strength = np.asarray(row[f"sensor/{name}/intensity"], np.float64)[seen]
    top = max(float(np.percentile(strength, 99.0)), 1e-12)
    level = (255.0 * np.clip(strength / top, 0.0, 1.0) ** 0.5).astype(np.uint8)
    shades = cv2.applyColorMap(level[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]
    ids = np.asarray(row[f"label/{name}/return_instance"], np.int64)[seen]
    colours = np.full((len(ids), 3), 110.0)
    colours[ids > 0] = instance_colours(int(ids.max(initial=0)) + 1)[ids[ids > 0]]
    caption = f"cloud, {len(points)} returns, {reach:.1f} m"
    return [
        (f"{caption}, by intensity", cloud_picture(points, shades, reach)),
        (f"{caption}, by instance", cloud_picture(points, colours, reach)),
    ]


def _pad_picture(force: NDArray[np.float64]) -> Image:
    top = max(float(np.nanmax(force, initial=0.0)), 1e-9)
    level = (255.0 * np.clip(np.nan_to_num(force) / top, 0.0, 1.0)).astype(np.uint8)
    shades = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.asarray(cv2.resize(shades, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)
