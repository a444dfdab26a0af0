"""Write a recipe in Python: few objects, slippery, a low sun, a VGA camera; and generate a few rows.

Run: python examples/own_recipe.py data/slippery
"""

from __future__ import annotations

import sys

import simloom

RECIPE = {
    "simloom": 1,
    "scene": "tabletop",
    "seed": 11,
    "views": 2,
    "looks": 2,
    "parameters": {
        "object_count": {"integer": [3, 6]},
        "friction": {"loguniform": [0.1, 0.3]},
        "light.elevation": {"uniform": [15, 35], "unit": "deg"},
    },
    "rig": {"head": {"camera": "generic_rgb", "depth": "realsense_d435", "width": 640, "height": 480}},
    "outputs": ["rgb", "depth", "instance", "boxes", "poses", "visibility"],
}


def main(folder: str, samples: int = 8) -> None:
    """Generate rows into a folder; the same call again finds them there."""
    dataset = simloom.generate(simloom.load_recipe(RECIPE), samples=samples, out=folder)
    sys.stdout.write(f"{len(dataset)} rows in {folder}, root digest {dataset.root_digest}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data/slippery")
