"""Draw scenarios of the randomized tabletop as one contact sheet, and say how many pictures are burnt or too dark.

python examples/randomization/show_contact_sheet.py --out docs/randomization/contact_sheet.png
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import encode_small_png

from simloom import load_recipe
from simloom.scenes import draw_scenario, make_scene
from simloom.scenes.capture import Capturer
from simloom.scenes.context import CONTEXTS

WIDTH, HEIGHT = 96, 72
ATTEMPTS = 16


def make_tiles(count: int, *, seed: int = 0, threads: int | None = None) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Make pictures of scenarios.

    Args:
        count: Scenarios.
        seed: Seed of the scenarios.
        threads: CPU threads; None for all.

    Returns:
        Pictures, shape (count, 72, 96, 3) uint8 sRGB, and what is told of them: redraws, reasons, clipped and dark.
    """
    recipe = load_recipe("tabletop_randomized")
    rig = {"head": {"camera": "generic_rgb", "width": WIDTH, "height": HEIGHT, "mount": "world"}}
    overrides = {name: value for name, value in recipe.parameters.items() if ".depth." not in name}
    scene = make_scene(
        recipe.scene, {"rig": rig, "overrides": overrides, "randomize": list(recipe.randomize or ()), "slots": 16}
    )
    capturer = Capturer(scene=scene, outputs=("rgb",), seed=seed, views=1, looks=1, supersample=2, threads=threads)
    tiles = np.zeros((count, HEIGHT, WIDTH, 3), np.uint8)
    reasons: Counter[str] = Counter()
    contexts = []
    for index in range(count):
        for attempt in range(ATTEMPTS):
            stage = scene.stage(draw_scenario(scene.space, seed=seed, index=index, attempt=attempt))
            if stage.valid:
                break
            reasons[stage.reason.name] += 1
        rows = capturer.allocate(1)
        capturer.fill([stage], rows, start=0)
        tiles[index] = rows["sensor/head/rgb"][0]
        contexts.append(CONTEXTS[int(rows["param/context"][0])])
    scene.close()
    clipped = (tiles == 255).any(axis=3).mean(axis=(1, 2))
    dark = np.percentile(tiles.max(axis=3).reshape(count, -1), 95, axis=1) < 40
    told = {"reasons": dict(reasons), "clipped": clipped, "dark": dark, "contexts": contexts}
    return tiles, told


def join_tiles(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Join pictures of one size to a sheet of some columns."""
    rows = [np.concatenate(list(tiles[first : first + columns]), axis=1) for first in range(0, len(tiles), columns)]
    return np.concatenate(rows, axis=0)


def main() -> None:
    """Make the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("contact_sheet.png"))
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--columns", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=0.74)
    parser.add_argument("--threads", type=int, default=None)
    given = parser.parse_args()
    tiles, told = make_tiles(given.count, seed=given.seed, threads=given.threads)
    sheet = join_tiles(tiles, given.columns)
    size = (int(sheet.shape[1] * given.scale), int(sheet.shape[0] * given.scale))
    shown = np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)
    given.out.write_bytes(encode_small_png(shown, 599_000))
    clipped, dark = told["clipped"], told["dark"]
    print(f"redrawn: {told['reasons']}")
    print(
        f"clipped pixels: {clipped.mean():.3%} in the mean; pictures with more than 5 %: {(clipped > 0.05).mean():.1%}"
    )
    print(f"too dark (95 % of the pixels below 40 of 255): {dark.mean():.1%}")
    for name in CONTEXTS:
        mine = np.array([context == name for context in told["contexts"]])
        if mine.any():
            burnt = (clipped[mine] > 0.05).mean()
            print(f"  {name}: {mine.sum()}, clipped > 5 %: {burnt:.1%}, dark {dark[mine].mean():.1%}")


if __name__ == "__main__":
    main()
