"""Show what each built-in camera makes of one scene, over a sweep of exposures and in the dark.

Run: python examples/sensors/compare_cameras.py cameras.png
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing and subjects

from drawing import Image, draw_tiles, encode_small_png
from subjects import TOP, camera, tabletop

from simloom.kernels import apply_camera, list_profiles, load_profile
from simloom.renderers import Raster

SWEEP = (1 / 16, 1 / 4, 1.0, 4.0)
"""Exposure times, as multiples of the automatic one."""
DARK = 1 / 64
"""The dark picture's exposure, whose gain is raised by as much."""


def draw_cameras(width: int = 240) -> Image:
    """Draw one line of pictures for each camera; the last is an enlarged crop of the dark one."""
    library, snapshot = tabletop()
    view = camera((1.35, -0.55, TOP + 0.62), (0.34, 0.0, TOP + 0.10), width=width, height=width * 3 // 4)
    frames = Raster(library, supersample=2).render([snapshot], [view], outputs=("colour",))
    radiance = np.ascontiguousarray(frames.colour[:, 0])
    tiles = []
    for name in list_profiles("camera"):
        profile = load_profile(name)
        options = {"seed": 1, "index": [0], "fx": view.fx, "center": (view.cx, view.cy)}
        exposed = float(apply_camera(radiance, profile, **options).exposure_time[0])
        for factor in SWEEP:
            reading = apply_camera(radiance, profile, exposure_time=factor * exposed, **options)
            tiles.append((f"{name}, {1e3 * factor * exposed:.2g} ms", np.asarray(reading.rgb[0])))
        sensitive = dataclasses.replace(profile, gain=profile.gain / DARK)
        dark = np.asarray(apply_camera(radiance, sensitive, exposure_time=DARK * exposed, **options).rgb[0])
        tiles.append((f"{1e6 * DARK * exposed:.2g} us, gain x {1 / DARK:g}", dark))
        top, left = view.height // 2, width // 3
        crop = dark[top : top + view.height // 4, left : left + width // 4]
        tiles.append(("a crop of it, 4 x", crop.repeat(4, axis=0).repeat(4, axis=1)[: view.height, :width]))
    return draw_tiles("Cameras: exposure, and the dark", tiles, columns=len(SWEEP) + 2)


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "cameras.png").write_bytes(encode_small_png(draw_cameras(), 600_000))
