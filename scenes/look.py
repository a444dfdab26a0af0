"""What a scene looks like: parameters to rows of materials and to lights, one set for each look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..renderers.snapshot import Lighting, Materials, Pattern
from .asset_library import Sky
from .lamp_space import SKIES
from .lamps import light_color, place_lamps
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


def build_lighting(
    param: Mapping[str, Array],
    view: int,
    *,
    skies: Mapping[str, Sky] | None = None,
    lit_point: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Lighting:
    """Make sun, sky, lamps and fog for all looks of one view.

    Args:
        param: Values by name, shape (V, L[, K]). Those of `lamp_parameters` may be missing: then there are none.
        view: The view.
        skies: Sky images that `sky.image` may choose, by name.
        lit_point: Point that lamps are placed around and spots point at [m], world.

    Returns:
        Lighting with L looks.
    """
    names = ("direction", "sun", "zenith", "horizon", "ground")
    rows: dict[str, list[Array]] = {name: [] for name in names}
    images: list[tuple[int, float, float]] = []
    fog: list[Array] = []
    for look in range(param["light.azimuth"].shape[1]):
        value = {
            name: float(given[view, look])
            for name, given in param.items()
            if name.startswith(("light.", "sky.")) and given.ndim == 2
        }
        azimuth, elevation = value["light.azimuth"], value["light.elevation"]
        level = math.cos(elevation)
        rows["direction"].append(np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)]))
        sun = value["light.irradiance"] * light_color(value["light.temperature"])
        rows["sun"].append(sun if value.get("light.sun", 0.0) == 0.0 else np.zeros(3))
        # A sky of even radiance L puts pi L on a level surface.
        radiance = value["sky.ratio"] * value["light.irradiance"] * math.sin(elevation) / math.pi
        zenith = radiance * light_color(value["sky.temperature"])
        rows["zenith"].append(zenith)
        rows["horizon"].append(value["sky.horizon"] * radiance * light_color(0.5 * (value["sky.temperature"] + 5500.0)))
        rows["ground"].append(value["sky.ground"] * radiance * light_color(5000.0))
        sky = (skies or {}).get(SKIES[int(value.get("sky.image", 0.0))])
        images.append((-1 if sky is None else sky.row, radiance, value.get("sky.yaw", 0.0)))
        fog.append(rows["horizon"][-1] if sky is None else radiance * np.array(sky.horizon))
    arrays = {name: np.array(row).astype(np.float32) for name, row in rows.items()}
    return Lighting(
        sun_direction=arrays["direction"],
        sun_irradiance=arrays["sun"],
        sky_zenith=arrays["zenith"],
        sky_horizon=arrays["horizon"],
        sky_ground=arrays["ground"],
        **_hang_images(param, view, images),
        **place_lamps(param, view, lit_point),
        **_make_fog(param, view, np.array(fog).astype(np.float32)),
    )


def _hang_images(
    param: Mapping[str, Array], view: int, images: Sequence[tuple[int, float, float]]
) -> dict[str, NDArray[Any]]:
    """Return the sun's size and the sky images of a scene that has them."""
    given: dict[str, NDArray[Any]] = {}
    if "light.radius" in param:
        given["sun_radius"] = param["light.radius"][view].astype(np.float32)
    if any(row >= 0 for row, _, _ in images):
        given["sky_image"] = np.array([row for row, _, _ in images], np.int32)
        given["sky_scale"] = np.array([[scale] * 3 for _, scale, _ in images], np.float32)
        given["sky_yaw"] = np.array([yaw for _, _, yaw in images], np.float32)
    return given


def _make_fog(param: Mapping[str, Array], view: int, horizon: NDArray[np.float32]) -> dict[str, Any]:
    """Return the fog of a scene that has weather: as bright as the horizon, which is all that is seen through it."""
    if "weather.fog_extinction" not in param or not (param["weather.fog_extinction"][view] > 0).any():
        return {}
    return {"fog_extinction": param["weather.fog_extinction"][view].astype(np.float32), "fog_radiance": horizon}
