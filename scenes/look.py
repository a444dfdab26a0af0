"""What a scene looks like: parameters to rows of materials and to lights, one set for each look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.snapshot import Lighting, Materials, Pattern
from .look_space import MATERIAL_KINDS

Array = NDArray[np.float64]
_PATTERNS: Final = {
    "checker": Pattern.CHECKER,
    "stripes": Pattern.STRIPES,
    "noise": Pattern.NOISE,
    "wood": Pattern.WOOD,
    "speckle": Pattern.SPECKLE,
}
_DEFAULT_COLOR: Final = (0.55, 0.55, 0.55)


@dataclass(frozen=True, kw_only=True)
class SurfaceSlot:
    """One row of materials to be filled."""

    source: str
    """Prefix of its parameters, such as floor, table or object; or robot."""
    element: int = 0
    """Element of vector parameters."""
    base_color: tuple[float, float, float] | None = None
    """Albedo that the file states."""
    texture: int = -1
    """Texture that the file states."""
    size: float = 1.0
    """Length that the mesh's UV square spans [m]; 1 for meshes without UVs, whose texture repeats are per metre."""


def build_materials(
    param: Mapping[str, Array], view: int, slots: Sequence[SurfaceSlot], textures: Sequence[int]
) -> Materials:
    """Fill the rows of materials for all looks of one view.

    Args:
        param: Values by name, shape (V, L[, K]).
        view: The view.
        slots: What each row is for.
        textures: Rows of the surface textures.

    Returns:
        Materials with L looks and as many rows as slots.
    """
    looks = param["light.azimuth"].shape[1]
    rows = len(slots)
    base = np.zeros((looks, rows, 3))
    second = np.zeros((looks, rows, 3))
    roughness, metallic = np.full((looks, rows), 0.5), np.zeros((looks, rows))
    texture, pattern = np.full((looks, rows), -1, np.int32), np.zeros((looks, rows), np.int32)
    texture_scale, pattern_scale = np.ones((looks, rows)), np.full((looks, rows), 0.05)
    prefixes = tuple({f"{slot.source}." for slot in slots})
    for look in range(looks):
        values = {name: value[view, look].reshape(-1) for name, value in param.items() if name.startswith(prefixes)}
        for row, slot in enumerate(slots):
            at, k = (look, row), slot.element
            stated = np.array(slot.base_color or _DEFAULT_COLOR)
            if slot.source == "robot":
                base[at] = np.clip(stated * values["robot.tint"], 0.02, 0.9)
                roughness[at] = values["robot.roughness"][0]
                texture[at] = slot.texture
                if slot.texture < 0:
                    pattern[at] = Pattern.NOISE
                    second[at] = base[at] * (1.0 - values["robot.wear"][0])
                continue
            kind = MATERIAL_KINDS[int(values[f"{slot.source}.material"][k])]
            period = float(values[f"{slot.source}.pattern_scale"][k])
            color = values[f"{slot.source}.color"][3 * k : 3 * k + 3]
            roughness[at] = values[f"{slot.source}.roughness"][k]
            metallic[at] = values[f"{slot.source}.metallic"][k]
            pattern_scale[at] = period
            base[at] = color
            if kind == "own":
                base[at] = color if slot.base_color is None and slot.texture < 0 else stated
                texture[at] = slot.texture
                texture_scale[at] = 1.0
            elif kind == "texture":
                place = float(values[f"{slot.source}.texture"][k])
                texture[at] = textures[min(int(place * len(textures)), len(textures) - 1)]
                texture_scale[at] = max(0.25 * slot.size / period, 1e-3)
                base[at] = 0.5 + 0.5 * color / max(
                    float(color.max()), 1e-6
                )  # a tint: textures have colours of their own
            elif kind != "plain":
                pattern[at] = _PATTERNS[kind]
                second[at] = values[f"{slot.source}.pattern_color"][3 * k : 3 * k + 3]
    return Materials(
        base_color=base.astype(np.float32),
        roughness=roughness.astype(np.float32),
        metallic=metallic.astype(np.float32),
        texture=texture,
        texture_scale=texture_scale.astype(np.float32),
        pattern=pattern,
        pattern_color=second.astype(np.float32),
        pattern_scale=pattern_scale.astype(np.float32),
    )


def build_lighting(param: Mapping[str, Array], view: int) -> Lighting:
    """Make sun and sky for all looks of one view.

    Args:
        param: Values by name, shape (V, L).
        view: The view.

    Returns:
        Lighting with L looks.
    """
    names = ("direction", "sun", "zenith", "horizon", "ground")
    rows: dict[str, list[Array]] = {name: [] for name in names}
    for look in range(param["light.azimuth"].shape[1]):
        value = {name: float(given[view, look]) for name, given in param.items() if name.startswith(("light.", "sky."))}
        azimuth, elevation = value["light.azimuth"], value["light.elevation"]
        level = math.cos(elevation)
        rows["direction"].append(np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)]))
        rows["sun"].append(value["light.irradiance"] * light_color(value["light.temperature"]))
        # A sky of even radiance L puts pi L on a level surface.
        radiance = value["sky.ratio"] * value["light.irradiance"] * math.sin(elevation) / math.pi
        zenith = radiance * light_color(value["sky.temperature"])
        rows["zenith"].append(zenith)
        rows["horizon"].append(value["sky.horizon"] * radiance * light_color(0.5 * (value["sky.temperature"] + 5500.0)))
        rows["ground"].append(value["sky.ground"] * radiance * light_color(5000.0))
    arrays = {name: np.array(row).astype(np.float32) for name, row in rows.items()}
    return Lighting(
        sun_direction=arrays["direction"],
        sun_irradiance=arrays["sun"],
        sky_zenith=arrays["zenith"],
        sky_horizon=arrays["horizon"],
        sky_ground=arrays["ground"],
        **_make_fog(param, view, arrays["horizon"]),
    )


def _make_fog(param: Mapping[str, Array], view: int, horizon: NDArray[np.float32]) -> dict[str, Any]:
    """Return the fog of a scene that has weather: as bright as the horizon, which is all that is seen through it."""
    if "weather.fog_extinction" not in param:
        return {}
    return {"fog_extinction": param["weather.fog_extinction"][view].astype(np.float32), "fog_radiance": horizon}


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
