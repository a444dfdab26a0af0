"""Lamps of a scene: parameters to the lamps of a snapshot's lighting; and the colour of glowing bodies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.lighting import Lamp

Array = NDArray[np.float64]
_KINDS: Final = (Lamp.POINT, Lamp.SPOT)
_INNER: Final = 0.7
"""Half angle of a spot's even part over that of its whole cone."""


def place_lamps(
    param: Mapping[str, Array], view: int, lit_point: tuple[float, float, float]
) -> dict[str, NDArray[Any]]:
    """Place the lamps of all looks of one view.

    Args:
        param: Values by name, shape (V, L[, K]).
        view: The view.
        lit_point: Point that lamps are placed around and spots point at [m], world.

    Returns:
        The fields `lamp_*` of `Lighting` for K lamps, those that do not shine of kind NONE; empty where none shines in
        any look, or the scene has no lamps.
    """
    if "lamp_count" not in param or not (param["lamp_count"][view] > 0).any():
        return {}
    counts = param["lamp_count"][view]
    looks, room = param["lamp.kind"].shape[1], param["lamp.kind"].shape[2]
    kind = np.full((looks, room), int(Lamp.NONE), np.int32)
    position, axis, intensity = (np.zeros((looks, room, 3)) for _ in range(3))
    cone, radius = np.zeros((looks, room, 2)), np.zeros((looks, room))
    for look in range(looks):
        for k in range(int(counts[look])):
            value = {
                name: float(param[f"lamp.{name}"][view, look, k])
                for name in (
                    "kind", "azimuth", "elevation", "distance", "intensity", "temperature", "cone", "radius",
                )
            }  # fmt: skip
            level = math.cos(value["elevation"])
            away = np.array(
                [
                    level * math.cos(value["azimuth"]),
                    level * math.sin(value["azimuth"]),
                    math.sin(value["elevation"]),
                ]
            )
            kind[look, k] = int(_KINDS[int(value["kind"])])
            position[look, k] = np.array(lit_point) + value["distance"] * away
            axis[look, k] = -away
            intensity[look, k] = value["intensity"] * light_color(value["temperature"])
            cone[look, k] = _INNER * value["cone"], value["cone"]
            radius[look, k] = value["radius"]
    return {
        "lamp_kind": kind,
        "lamp_position": position.astype(np.float32),
        "lamp_direction": axis.astype(np.float32),
        "lamp_intensity": intensity.astype(np.float32),
        "lamp_cone": cone.astype(np.float32),
        "lamp_radius": radius.astype(np.float32),
    }


def light_color(temperature: float) -> Array:
    """Return the colour of a black body as linear sRGB primaries with mean 1.

    Args:
        temperature: Colour temperature [K], range [1667, 25000].

    Returns:
        Primaries [1], shape (3,), >= 0.

    Source:
        Kim et al., US patent 7024034 (2006): cubic fit of the Planckian locus in CIE 1931 xy; IEC 61966-2-1 primaries.
    """
    t = 1000.0 / min(max(temperature, 1667.0), 25000.0)
    if t > 0.25:
        x = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
    else:
        x = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
    if t > 1000.0 / 2222.0:
        y = ((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683
    elif t > 0.25:
        y = ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
    else:
        y = ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483
    big_x, big_z = x / y, (1.0 - x - y) / y
    rgb = np.array(
        [
            3.2404542 * big_x - 1.5371385 - 0.4985314 * big_z,
            -0.9692660 * big_x + 1.8760108 + 0.0415560 * big_z,
            0.0556434 * big_x - 0.2040259 + 1.0572252 * big_z,
        ]
    )
    rgb = np.maximum(rgb, 0.0)
    return np.asarray(rgb * (3.0 / (rgb[0] + rgb[1] + rgb[2])))
