"""Render the pictures of docs/gallery.md. Needs PyBullet and its models; takes a minute or two.

Run: python examples/gallery/render_gallery.py docs/gallery [name ...]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from drawing import Image, encode_small_png
from lights import draw_light
from materials import draw_antialiasing, draw_materials
from robots import draw_bin, draw_levels, draw_robot
from sensing import draw_lenses, draw_motion, draw_scan

from simloom import load_recipe
from simloom.sim.preview import preview_recipe

SETTINGS = ["seed=3", "randomize=[lighting, camera, dynamics]"]
"""What the picture of outputs changes in the recipe."""


def draw_outputs() -> Image:
    """Show every output of one row of the tabletop: what `simloom preview tabletop` writes."""
    data = preview_recipe(load_recipe("tabletop", overrides=SETTINGS), rows=1, columns=6, tile_width=204)
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


PICTURES: Mapping[str, Callable[[], Image]] = {
    "outputs": draw_outputs,
    "light": draw_light,
    "materials": draw_materials,
    "robot": draw_robot,
    "bin": draw_bin,
    "levels": draw_levels,
    "antialiasing": draw_antialiasing,
    "lenses": draw_lenses,
    "motion": draw_motion,
    "scan": draw_scan,
}
"""Every picture's name and how it is made."""


def main(folder: str, names: list[str]) -> None:
    """Write pictures, all of them where none is named."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        path = Path(folder) / f"{name}.png"
        path.write_bytes(encode_small_png(PICTURES[name]()))
        sys.stdout.write(f"{path}  {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "docs/gallery", sys.argv[2:])
