"""Make an episode of each scene and draw it over time: what it looks like, what is done, what it earns.

Run `python examples/show_episodes.py docs/images/episodes.png`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simloom
from simloom.sim.drawing import encode_png
from simloom.sim.preview import draw_grid

AHEAD = [-0.5, 0.5, -0.5, 0.5]
SIZE = {"width": 160, "height": 120}
RECIPES: dict[str, dict[str, Any]] = {
    "driving": {
        "seed": 3,
        "episode": {"horizon": 120, "policy": "expert"},
        "parameters": {
            "object_count": 15,
            "goal.distance": 4.0,
            "goal.bearing": 0.9,
            "camera.distance": 6.0,
            "camera.elevation": 0.6,
            "camera.azimuth": 2.9,
            "camera.target_x": 1.0,
            "camera.target_y": 1.0,
        },
        "rig": {
            "head": {"camera": "generic_rgb", **SIZE},
            "front": {
                "camera": "generic_rgb",
                "mount": "husky/base_link",
                "position": [0.36, 0.0, 0.33],
                "quaternion": AHEAD,
                "field_of_view": 1.3,
                **SIZE,
            },
        },
    },
    "tabletop": {
        "seed": 3,
        "episode": {"horizon": 150, "policy": "expert"},
        "parameters": {"object_count": 6, "camera.distance": 1.0, "camera.elevation": 0.5, "camera.azimuth": 0.7},
        "rig": {
            "head": {"camera": "generic_rgb", **SIZE},
            "hand": {
                "camera": "generic_rgb",
                "mount": "panda/hand",
                "position": [0.1, 0.0, 0.0],
                "quaternion": [0.0, -0.13, 0.0, 0.99],
                "field_of_view": 1.3,
                **SIZE,
            },
        },
    },
}


def make_strip(
    scene: str, folder: Path, *, columns: int = 6, seed: int | None = None
) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """Make one episode and lay some of its instants side by side, a line for each camera.

    Args:
        scene: A scene out of `RECIPES`.
        folder: Where the dataset goes.
        columns: Instants to show.
        seed: Another seed.

    Returns:
        What was shown: a heading and (caption, picture) of each instant, camera by camera; and the episode's arrays.
    """
    recipe = {"scene": scene, "randomize": ["materials"], **RECIPES[scene]}
    dataset = simloom.generate(recipe, samples=recipe["episode"]["horizon"], out=folder, workers=0, seed=seed)
    (rows,) = dataset.episodes()
    episode = dataset.read_rows(rows)
    reward, time = episode["task/reward"], episode["state/time"] - episode["state/time"][0]
    shown = np.linspace(0, len(rows) - 1, columns).astype(int)
    end = "done" if episode["task/success"][-1] else "not done"
    blocks = []
    for number, camera in enumerate(recipe["rig"]):
        tiles = [
            (f"{time[step]:.1f} s, earned {reward[: step + 1].sum():.1f}", episode[f"sensor/{camera}/rgb"][step])
            for step in shown
        ]
        heading = f"{scene}: {len(rows)} of {recipe['episode']['horizon']} instants, {end}" if number == 0 else ""
        blocks.append((heading, tiles))
    return blocks, episode


def draw_episodes(scenes: tuple[str, ...] = ("driving", "tabletop"), *, columns: int = 6) -> bytes:
    """Draw an episode of each scene; return a PNG file."""
    blocks = []
    for scene in scenes:
        with tempfile.TemporaryDirectory() as folder:
            blocks += make_strip(scene, Path(folder) / scene, columns=columns)[0]
    return encode_png(draw_grid(blocks, title="Episodes: the expert drives to a goal, and reaches for an object",
                                columns=columns, tile_width=160))  # fmt: skip


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(draw_episodes())
