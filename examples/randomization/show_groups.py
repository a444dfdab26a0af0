"""Draw one strip of pictures for each group of parameters: one world, of which only that group is drawn anew.

The first picture of a strip has the group at its neutral value. Where a group changes little, the others lay the
neutral picture (red) over the changed one (cyan): what stayed is grey.

    python examples/randomization/show_groups.py docs/randomization
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import encode_small_png

from simloom.scenes import Scenario, Scene, draw_scenario, make_scene
from simloom.scenes.capture import Capturer
from simloom.scenes.placement import PLACEMENTS

Image = NDArray[np.uint8]
SIZE = (200, 150)
BASE = ("materials", "lighting", "camera", "dynamics")
"""Groups that scenes vary by themselves; they stand at one draw while another group varies."""
STRIPS: dict[str, tuple[tuple[str, ...], bool]] = {
    "context": (("context", "materials", "lighting", "lamps", "distractors"), False),
    "materials": (("materials",), False),
    "lighting": (("lighting",), False),
    "lamps": (("lamps",), False),
    "camera": (("camera",), False),
    "calibration": (("calibration",), True),
    "dynamics": (("dynamics",), True),
    "physics": (("physics",), True),
    "placement": (("placement",), False),
    "robot": (("robot",), True),
    "distractors": (("distractors",), False),
}
"""Name to the groups that vary and whether the strip shows differences."""
SEED, WORLD, PICTURES = 11, 4, 6
VIEW = {"camera.distance": 1.1, "camera.elevation": 0.55, "camera.azimuth": 0.7}
NEAR = {"camera.distance": 0.8, "camera.elevation": 0.9, "camera.field_of_view": 0.8, "object_count": 12}
MORE: dict[str, dict[str, Any]] = {
    # A low camera sees the sky, and a weak sun leaves something for the lamps to do.
    "lamps": {"camera.elevation": 0.38, "camera.distance": 1.3, "light.irradiance": 20.0},
    "dynamics": NEAR,
    "physics": NEAR,
    "placement": {
        "camera.elevation": 0.5,
        "camera.target_z": 0.12,
        "camera.field_of_view": 0.8,
        "object_count": 10,
        "table.material": "plain",
        "table.color": 0.3,
    },
    "robot": {"camera.field_of_view": 0.5, "camera.target_x": -0.2, "camera.target_y": 0.35, "camera.target_z": 0.33},
    "distractors": {"distractor_count": {"integer": [3, 6]}},
}
"""What else is fixed for a strip, to show its group well."""
SHAPES: dict[str, dict[str, Any]] = {"placement": {"pictures": len(PLACEMENTS), "size": (304, 228)}}
"""Strips of another number or size of pictures."""


def vary(scene: Scene, groups: tuple[str, ...], index: int, attempt: int) -> Scenario:
    """Return the world's scenario with some groups' coordinates taken from another."""
    base = draw_scenario(scene.space, seed=SEED, index=WORLD)
    other = draw_scenario(scene.space, seed=SEED, index=100 + index, attempt=attempt)
    u = {axis: getattr(base, f"u_{axis}").copy() for axis in ("scenario", "view", "look")}
    for parameter in scene.space:
        if parameter.group in groups:
            place = scene.space.slices[parameter.name]
            u[parameter.varies][..., place] = getattr(other, f"u_{parameter.varies}")[..., place]
    return replace(base, u_scenario=u["scenario"], u_view=u["view"], u_look=u["look"])


def draw_strip(
    name: str, *, pictures: int = PICTURES, size: tuple[int, int] = SIZE, threads: int | None = None
) -> Image:
    """Draw the strip of a group.

    Args:
        name: One of `STRIPS`.
        pictures: How many, >= 2.
        size: Width and height of each [px].
        threads: CPU threads; None for all.

    Returns:
        sRGB bytes, shape (height, pictures * (width + 4) - 4, 3).
    """
    groups, differs = STRIPS[name]
    fixed = {"object_count": 8} | (VIEW | MORE.get(name, {}) if name != "camera" else {})
    if name == "placement":
        return _join(_place(fixed, pictures, size, threads))
    tiles = []
    neutral = {key: value for key, value in fixed.items() if key != "distractor_count"}
    with _opened(size, neutral, BASE) as still:
        tiles.append(_photograph(still, draw_scenario(still.space, seed=SEED, index=WORLD), threads))
    with _opened(size, fixed, tuple({*BASE, *groups})) as scene:
        index = attempt = 0
        while len(tiles) < pictures:
            scenario = vary(scene, groups, index, attempt)
            if scene.stage(scenario).valid:
                tiles.append(_photograph(scene, scenario, threads))
                index, attempt = index + 1, 0
            else:
                attempt += 1
    if differs:
        tiles[1:] = [_compare(tiles[0], tile) for tile in tiles[1:]]
    return _join(tiles)


def _place(fixed: dict[str, Any], pictures: int, size: tuple[int, int], threads: int | None) -> list[Image]:
    """Photograph worlds with their objects dropped, set down, piled and hung."""
    tiles: list[Image] = []
    for world in range(WORLD, WORLD + 20):
        found = []
        for option in PLACEMENTS:
            with _opened(size, fixed | {"placement": option}, (*BASE, "placement")) as scene:
                scenario = draw_scenario(scene.space, seed=SEED, index=world)
                if scene.stage(scenario).valid:
                    found.append(_photograph(scene, scenario, threads))
        if len(found) == len(PLACEMENTS):
            tiles += found
        if len(tiles) >= pictures:
            break
    return tiles[:pictures]


@contextmanager
def _opened(size: tuple[int, int], fixed: dict[str, Any], groups: tuple[str, ...]) -> Iterator[Scene]:
    rig = {"head": {"camera": "generic_rgb", "width": size[0], "height": size[1], "mount": "world"}}
    scene = make_scene("tabletop", {"rig": rig, "overrides": fixed, "randomize": groups})
    try:
        yield scene
    finally:
        scene.close()


def _join(tiles: list[Image]) -> Image:
    gap = np.full((tiles[0].shape[0], 4, 3), 255, np.uint8)
    return np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=1)


def _photograph(scene: Scene, scenario: Scenario, threads: int | None) -> Image:
    capturer = Capturer(scene=scene, outputs=("rgb",), seed=SEED, views=1, looks=1, threads=threads)
    rows = capturer.allocate(1)
    capturer.fill([scene.stage(scenario)], rows, start=0)
    return np.asarray(rows["sensor/head/rgb"][0], np.uint8)


def _compare(first: Image, second: Image) -> Image:
    """Lay two pictures over each other, the first red, the second cyan."""
    grey = [picture.astype(np.float64).mean(axis=2) for picture in (first, second)]
    return np.stack([grey[0], grey[1], grey[1]], axis=2).astype(np.uint8)


def main() -> None:
    """Write all strips, or those that are named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for name in sys.argv[2:] or STRIPS:
        (folder / f"{name}.png").write_bytes(encode_small_png(draw_strip(name, **SHAPES.get(name, {})), 240_000))


if __name__ == "__main__":
    main()
