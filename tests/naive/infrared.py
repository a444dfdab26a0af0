"""Oracles of the infrared views: every dot for every ray, and a wall behind a board by geometry."""

from __future__ import annotations

import numpy as np

from simloom.kernels.philox import FIXED, philox4x32, stream_key


def dots(projector) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angles and brightness of all dots of a projector, each drawn from its own four words."""
    columns, rows = projector.cell_count
    k0, k1 = stream_key(projector.seed, "dot_projector")
    found = []
    for cell in range(rows * columns):
        address = (np.uint64(cell), np.uint64(FIXED), np.uint64(FIXED), np.uint64(0))
        a, b, c, d = (int(word) >> 8 for word in philox4x32(*address, k0, k1))
        if d / 2**24 < projector.fill:
            across = (cell % columns + a / 2**24) * projector.pitch - projector.field_of_view[0] / 2
            down = (cell // columns + b / 2**24) * projector.pitch - projector.field_of_view[1] / 2
            found.append((across, down, 0.5 + 0.5 * c / 2**24))
    return tuple(np.array(found).T)


def pattern(projector, slope_x: float, slope_y: float, footprint: float) -> float:
    """Radiant intensity in a direction, as the sum over all dots."""
    x, y, brightness = dots(projector)
    across, down = np.arctan(slope_x), np.arctan(slope_y)
    if abs(across) > projector.field_of_view[0] / 2 or abs(down) > projector.field_of_view[1] / 2:
        return 0.0
    s = projector.dot_size
    s_x = np.hypot(s, footprint * np.cos(across) ** 2)
    s_y = np.hypot(s, footprint * np.cos(down) ** 2)
    profile = np.exp(-(((across - x) / s_x) ** 2) / 2 - ((down - y) / s_y) ** 2 / 2)
    return projector.intensity * (brightness * profile).sum() * (s / s_x) * (s / s_y)


def wall_behind_board(
    camera, x_imager: float, position, intensity: float, reflectance: float, far: float, near: float, edge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Radiance, and whether it is lit, of the wall at depth `far` behind a board at `near` that begins at x = `edge`.

    The board is 0.4 m wide and fills the image's height; where it is seen the radiance is NaN.
    """
    column, row = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    x, y = (column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy
    ray = np.stack([x, y, np.ones_like(x)], axis=-1)
    imager = np.array([x_imager, 0.0, 0.0])
    board = x_imager + near * x
    point = imager + far * ray
    towards = point - np.asarray(position)
    share = (near - position[2]) / (far - position[2])
    crossing = position[0] + share * towards[..., 0]
    lit = ~((crossing >= edge) & (crossing <= edge + 0.4))
    square = (towards**2).sum(axis=-1)
    radiance = reflectance / np.pi * intensity * towards[..., 2] / square**1.5 * lit
    radiance[(board >= edge) & (board <= edge + 0.4)] = np.nan
    return radiance, lit
