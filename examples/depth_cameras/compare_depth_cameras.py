"""Show what depth cameras make of one scene, and what two matched infrared views make of it.

Run: python examples/depth_cameras/compare_depth_cameras.py depth_cameras.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing and staging

from depth_scene import place_camera, stage_scene
from drawing import Image, encode_small_png, expose, write_label

from simloom.kernels import (
    STATUS_NAMES,
    DepthReading,
    apply_depth,
    cosine_of_incidence,
    expose_infrared,
    list_profiles,
    match_stereo,
)  # fmt: skip
from simloom.renderers import DotProjector, InfraredFrames, Raster, render_infrared
from simloom.sim.preview import draw_grid

BASELINE = 0.05
"""Distance of the imagers [m]."""
NEAR, FAR = 0.5, 4.0
"""Depths at the ends of the colour scale [m]."""
WORST = 0.05
"""Relative error at the ends of the colour scale."""
HOLES = {
    "no_surface": (0, 0, 0), "too_near": (90, 30, 30), "too_far": (30, 30, 90), "occluded": (70, 70, 78),
    "low_signal": (120, 40, 120), "out_of_overlap": (40, 40, 46), "no_match": (150, 110, 40),
    "saturated": (235, 235, 235), "ambiguous": (40, 120, 120), "filtered": (105, 85, 55),
}  # fmt: skip
"""Colours of the reasons for no depth."""


def read_cameras(frames: InfraredFrames, passive: InfraredFrames, fx: float) -> dict[str, DepthReading]:
    """Measure the scene with every built-in depth camera, and by matching with and without the projector."""
    cosine = cosine_of_incidence(frames.normal, fx=fx)
    readings = {}
    for name in list_profiles("depth"):
        readings[name] = apply_depth(
            frames.depth, name, fx=fx, seed=1, index=[0], infrared=frames.reflectance, cosine=cosine,
            intensity=passive.left,
        )  # fmt: skip
    for name, seen in (("matched, with dots", frames), ("matched, passive", passive)):
        readings[name] = match_stereo(
            seen.left, seen.right, fx=fx, baseline=BASELINE, seed=1, index=[0], truth=frames.depth
        )
    return readings


def draw_comparison(width: int = 848, shrink: int = 2) -> Image:
    """Draw the scene, the infrared views, and every camera's reading over its error."""
    library, snapshot = stage_scene()
    camera = place_camera(width)
    colour = Raster(library, supersample=2).render([snapshot], [camera], outputs=("colour",)).colour[0, 0]
    raster = Raster(library)
    frames = render_infrared(raster, [snapshot], [camera], baseline=BASELINE, projector=DotProjector(), ambient=0.01)
    passive = render_infrared(raster, [snapshot], [camera], baseline=BASELINE, projector=None)
    left, right = expose_infrared(frames.left, frames.right, seed=1, index=[0])
    dark, _ = expose_infrared(passive.left, passive.right, seed=1, index=[0])
    scene = [
        ("colour", expose(colour, 1.5 * float(np.percentile(colour, 98)))),
        (f"true depth, {NEAR} to {FAR} m", _colour_depth(frames.depth[0])),
        ("left infrared", _grey(left[0])),
        ("right infrared", _grey(right[0])),
        ("left infrared, passive", _grey(dark[0])),
    ]
    depths, errors = [], []
    for name, reading in read_cameras(frames, passive, camera.fx).items():
        depths.append((f"{name}: {100 * (reading.status == 0).mean():.0f} % valid", _colour_reading(reading)))
        errors.append((f"{name}: error within {100 * WORST:.0f} %", _colour_error(reading, frames.depth[0])))
    depths.append(("holes", _draw_legend(depths[0][1].shape)))
    blocks = [
        ("what is looked at", scene),
        ("what is read", depths),
        ("blue: too near, red: too far", errors),
    ]
    small = [(title, [(name, _shrink(tile, shrink)) for name, tile in tiles]) for title, tiles in blocks]
    return draw_grid(small, title="Depth cameras", columns=5, tile_width=width // shrink)


def _grey(levels: np.ndarray) -> Image:
    return np.repeat(levels[..., None], 3, axis=-1)


def _turbo(share: np.ndarray) -> Image:
    levels = np.rint(255 * np.clip(share, 0.0, 1.0)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[..., ::-1], np.uint8)


def _colour_depth(depth: np.ndarray) -> Image:
    near, far = 1.0 / NEAR, 1.0 / FAR  # even steps of disparity
    picture = _turbo((1.0 / np.maximum(depth, 1e-3) - far) / (near - far))
    picture[depth <= 0] = 0
    return picture


def _paint_holes(picture: Image, status: np.ndarray) -> Image:
    for number, name in enumerate(STATUS_NAMES):
        if name in HOLES:
            picture[status == number] = HOLES[name]
    return picture


def _draw_legend(shape: tuple[int, ...]) -> Image:
    picture = np.zeros(shape, np.uint8)
    edges = np.linspace(0, shape[0], len(HOLES) + 1).astype(int)
    size = shape[0] / 480
    for top, bottom, (name, colour) in zip(edges, edges[1:], HOLES.items(), strict=False):
        picture[top:bottom] = colour
        write_label(picture, name.replace("_", " "), (round(24 * size), bottom - round(14 * size)), 1.1 * size)
    return picture


def _colour_reading(reading: DepthReading) -> Image:
    return _paint_holes(_colour_depth(reading.depth[0]), reading.status[0])


def _colour_error(reading: DepthReading, truth: np.ndarray) -> Image:
    share = (reading.depth[0] - truth) / np.maximum(truth, 1e-3) / WORST
    amount = np.minimum(np.abs(share), 1.0)[..., None]
    end = np.where((share > 0)[..., None], (200, 30, 20), (20, 60, 200))
    return _paint_holes((255 + amount * (end - 255.0)).astype(np.uint8), reading.status[0])


def _shrink(picture: Image, factor: int) -> Image:
    height, width = picture.shape[0] // factor * factor, picture.shape[1] // factor * factor
    return cv2.resize(picture[:height, :width], (width // factor, height // factor), interpolation=cv2.INTER_AREA)


def main(path: str) -> None:
    """Write the picture."""
    Path(path).write_bytes(encode_small_png(draw_comparison(), most_bytes=800_000))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "depth_cameras.png")
