"""Pictures of light: one scene under six of them."""

from __future__ import annotations

import numpy as np
from drawing import Image, draw_tiles, expose
from staging import light
from subjects import TOP, add_sky, camera, relight, tabletop

from simloom.renderers import Lighting, Raster
from simloom.renderers.lighting import Lamp


def make_sky(height: int = 128) -> np.ndarray:
    """Paint a sky: blue overhead, a bright haze at the horizon, clouds, a low warm glow in one direction."""
    polar = (np.arange(height) + 0.5)[:, None] * np.pi / height
    azimuth = (np.arange(2 * height) + 0.5)[None, :] * np.pi / height
    x, y, z = np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar) + 0.0 * azimuth
    haze = np.exp(-6.0 * np.abs(z))[..., None]
    sky = np.where((z > 0)[..., None], (0.14, 0.28, 0.62), (0.12, 0.11, 0.09)) * (1 - haze)
    glow = np.exp(9.0 * (-0.80 * x + 0.49 * y + 0.34 * z - 1.0))[..., None]
    waves = np.sin(5 * x + 3 * z) * np.cos(4 * y - 2 * x) + 0.6 * np.sin(11 * x + 6 * y) * np.sin(9 * y + 5 * z)
    clouds = (np.clip(waves, 0, 1) * np.clip(3 * z, 0, 1))[..., None]
    return np.asarray(sky + 0.62 * haze + 0.5 * clouds + 2.2 * glow * (1.0, 0.62, 0.3), np.float32)


def lightings() -> dict[str, tuple[Lighting, float]]:
    """Name each light, with the radiance that is shown as white."""
    dark = {"zenith": (0.004, 0.006, 0.012), "horizon": (0.006, 0.007, 0.011), "ground": (0.002, 0.002, 0.002)}
    lamps = {
        "lamp_kind": (Lamp.POINT, Lamp.POINT, Lamp.SPOT),
        "lamp_position": ((0.9, -0.75, TOP + 0.75), (-0.1, 0.9, TOP + 0.9), (1.0, 0.5, TOP + 1.3)),
        "lamp_intensity": ((0.55, 0.34, 0.16), (0.10, 0.20, 0.42), (2.2, 2.1, 1.9)),
        "lamp_direction": ((0.0, 0.0, -1.0), (0.0, 0.0, -1.0), (-0.3672, -0.3338, -0.8682)),
        "lamp_cone": ((0.0, 0.0), (0.0, 0.0), (0.18, 0.24)),
        "lamp_radius": (0.04, 0.04, 0.01),
    }
    return {
        "day: hard sun, blue sky": (light(azimuth=-0.9, elevation=1.0), 1.35),
        "day: a sun of 6 degrees": (light(azimuth=-0.9, elevation=1.0, sun_radius=0.052), 1.35),
        "dusk: low warm sun against the camera": (
            light(azimuth=2.45, elevation=0.33, sun=(3.4, 1.75, 0.7), zenith=(0.06, 0.09, 0.18),
                  horizon=(0.34, 0.22, 0.15), ground=(0.05, 0.04, 0.03), sun_radius=0.005), 0.8),
        "night: a warm and a cold lamp, a spot": (light(sun=(0.0, 0.0, 0.0), **dark, **lamps), 0.42),
        "fog: one sees 11 m far": (
            light(azimuth=-0.9, elevation=1.0, sun=(0.5, 0.5, 0.5), zenith=(0.5, 0.52, 0.55), horizon=(0.5, 0.52, 0.55),
                  fog_extinction=0.36, fog_radiance=(0.5, 0.52, 0.55)), 0.75),
        "sky image: no sun, clouds and a glow": (
            light(sun=(0.0, 0.0, 0.0), sky_image=0, sky_scale=(1.0, 1.0, 1.0)), 1.0),
    }  # fmt: skip


def draw_light(width: int = 400) -> Image:
    """Show the tabletop under six lights."""
    library, snapshot = tabletop()
    raster = Raster(add_sky(library, make_sky()), supersample=4 if width > 200 else 1)
    view = camera(
        (1.30, -0.52, TOP + 0.60), (0.34, 0.0, TOP + 0.20), width=width, height=width * 3 // 4, field_of_view=0.95
    )
    tiles = []
    for name, (lighting, white) in lightings().items():
        frames = raster.render([relight(snapshot, lighting)], [view], outputs=("colour",))
        tiles.append((name, expose(frames.colour[0, 0], white)))
    return draw_tiles("One scene, six lights", tiles, columns=3)
