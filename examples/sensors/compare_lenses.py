"""Show a grid of squares through every kind of lens.

Run: python examples/sensors/compare_lenses.py lenses.png
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing and staging

from drawing import Image, draw_tiles, encode_small_png
from staging import Staging, light

from simloom.kernels import Lens, apply_camera, load_profile, look_at
from simloom.renderers import Camera, MeshLibraryBuilder, Pattern, Raster

LENSES = {
    "pinhole": None,
    "barrel, k1 = -0.3": Lens(coefficients=(-0.3, 0.08, 0.0, 0.0)),
    "pincushion, k1 = 0.25": Lens(coefficients=(0.25, 0.0, 0.0, 0.0)),
    "tangential, p1 = p2 = 0.04": Lens(coefficients=(0.0, 0.0, 0.04, 0.04)),
    "14 coefficients, tilted sensor": Lens(
        coefficients=(-0.2, 0.05, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0, 0.02, 0.0, -0.02, 0.0, 0.12, -0.08)
    ),
    "Kannala-Brandt, 150 degrees": Lens(model="kannala_brandt", coefficients=(-0.01, 0.003, 0.0, 0.0)),
}
"""What is shown, by its caption."""


def draw_lenses(width: int = 280) -> Image:
    """Draw a wall of 10 cm squares before each lens, photographed by a camera with vignetting and parted colours."""
    builder = MeshLibraryBuilder()
    staging = Staging()
    staging.add(
        builder.add_plane(), (0.0, 0.0, 0.0), scale=(8, 8, 1), pattern=int(Pattern.CHECKER), pattern_scale=0.1,
        base_color=(0.8, 0.8, 0.8), pattern_color=(0.05, 0.05, 0.05), roughness=1.0,
    )  # fmt: skip
    raster = Raster(builder.build(), supersample=4)
    snapshot = staging.snapshot(light(azimuth=0.3, elevation=1.2, sun=(2.0, 2.0, 2.0)))
    profile = dataclasses.replace(load_profile("webcam_rgb"), chromatic_aberration=(0.006, -0.006))
    tiles = []
    for caption, lens in LENSES.items():
        wide = lens is not None and lens.model == "kannala_brandt"
        focal = width * (0.4 if wide else 0.75)
        view = Camera(
            width=width, height=width * 3 // 4, fx=focal, fy=focal, cx=0.5 * (width - 1), cy=0.375 * width - 0.5,
            pose_world_camera=look_at(np.array([0.0, 0.0, 0.7]), np.array([0.0, 1e-6, 0.0])), lens=lens,
        )  # fmt: skip
        colour = raster.render([snapshot], [view], outputs=("colour",)).colour[:, 0]
        reading = apply_camera(np.ascontiguousarray(colour), profile, seed=1, index=[0], fx=view.fx)
        tiles.append((caption, np.asarray(reading.rgb[0])))
    return draw_tiles("Lenses before a wall of 10 cm squares", tiles, columns=3)


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "lenses.png").write_bytes(encode_small_png(draw_lenses()))
