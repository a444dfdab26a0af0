"""Pictures of sensing: lenses, and a LiDAR's scan seen from above."""

from __future__ import annotations

import dataclasses

import numpy as np
from drawing import Image, draw_tiles, expose
from staging import light
from subjects import TOP, camera, relight, tabletop

from simloom.kernels import Lens
from simloom.kernels.transforms import compose_pose, look_at, pose_from_position_quaternion
from simloom.renderers import Camera, Raster, RayCaster, Shutter
from simloom.sim.drawing import instance_colours


def draw_lenses(width: int = 410) -> Image:
    """Show the tabletop through a pinhole, a distorted wide lens and a fisheye of 180 degrees."""
    library, snapshot = tabletop()
    lit = relight(snapshot, light(azimuth=-0.9, elevation=1.0, sun_radius=0.01))
    near = camera((0.95, -0.35, TOP + 0.55), (0.38, 0.0, TOP + 0.12), width=width, height=width, field_of_view=1.35)
    middle = 0.5 * (width - 1)
    wide = dataclasses.replace(
        near, lens=Lens(model="brown_conrady", coefficients=(-0.24, 0.05, 0.0, 0.0)), fx=0.62 * width, fy=0.62 * width
    )
    focal = width / np.pi  # an equidistant lens: the edge of the picture is 90 degrees off the axis
    fisheye = Camera(
        width=width, height=width, fx=focal, fy=focal, cx=middle, cy=middle,
        pose_world_camera=look_at((0.62, -0.12, TOP + 0.42), (0.30, 0.0, TOP + 0.10)),
        lens=Lens(model="kannala_brandt", coefficients=(0.0, 0.0, 0.0, 0.0)),
    )  # fmt: skip
    raster = Raster(library, supersample=4 if width > 200 else 1)
    tiles = []
    named = (("pinhole, 77 degrees", near), ("Brown-Conrady, k1 = -0.24", wide), ("fisheye, 180 degrees", fisheye))
    for name, view in named:
        frames = raster.render([lit], [view], outputs=("colour",))
        tiles.append((name, expose(frames.colour[0, 0], 1.4)))
    return draw_tiles("Lenses", tiles, columns=3)


def draw_motion(width: int = 400) -> Image:
    """Show a camera that pans: at an instant, with a long exposure, and with rows that are read one after another."""
    library, snapshot = tabletop()
    lit = relight(snapshot, light(azimuth=-0.9, elevation=1.0, sun_radius=0.01))
    still = camera((0.95, -0.35, TOP + 0.5), (0.36, 0.0, TOP + 0.1), width=width, height=width * 3 // 4)

    def turned(angle: float) -> np.ndarray:
        half = 0.5 * angle
        turn = pose_from_position_quaternion((0.0, 0.0, 0.0), (0.0, float(np.sin(half)), 0.0, float(np.cos(half))))
        return compose_pose(still.pose_world_camera, turn)

    panning = dataclasses.replace(still, previous_pose_world_camera=turned(-0.1), next_pose_world_camera=turned(0.1))
    shutters = {
        "at an instant": None,
        "exposed for half a step": Shutter(exposure=0.5, instants=24),
        "rolling: rows read over 1.6 steps": Shutter(readout=1.6, bands=75),
    }
    raster, tiles = Raster(library, supersample=2 if width > 200 else 1), []
    for name, shutter in shutters.items():
        frames = raster.render([lit], [dataclasses.replace(panning, shutter=shutter)], outputs=("colour",))
        tiles.append((name, expose(frames.colour[0, 0], 1.4)))
    return draw_tiles("A camera that pans by 5.7 degrees a step", tiles, columns=3)


def draw_scan(width: int = 1200, channels: int = 128) -> Image:
    """Show what a spinning LiDAR beside the table meets, from above, coloured by instance."""
    library, snapshot = tabletop()
    azimuth = np.radians(np.arange(0.0, 360.0, 0.1))
    elevation = np.radians(np.linspace(-60.0, 20.0, channels))
    angles = np.stack(np.meshgrid(azimuth, elevation, indexing="ij"), axis=-1).reshape(-1, 2)
    level = np.cos(angles[:, 1])
    beams = np.stack([level * np.cos(angles[:, 0]), level * np.sin(angles[:, 0]), np.sin(angles[:, 1])], axis=1)
    origin = np.array([0.95, -0.42, TOP + 0.34])
    hits = RayCaster(library).cast([snapshot], np.broadcast_to(origin, beams.shape), beams, far=30.0)
    met = hits.range > 0
    points = origin + beams[met] * hits.range[met, None]
    ids = hits.instance[met].astype(np.int64)
    colours = instance_colours(int(ids.max(initial=0)) + 1)[ids]
    ground = (points[:, 2] < 0.01, points[:, 2] >= 0.01)
    colours[ids == 0] = np.where(ground[0][ids == 0, None], (70, 76, 86), (150, 128, 100))
    height = width * 9 // 16
    scale = width / 2.0
    picture = np.full((height, width, 3), (18, 20, 24), np.uint8)
    order = np.argsort(points[:, 2], kind="stable")  # the highest point of a pixel is seen
    x = np.rint(width * 0.5 + scale * (points[order, 1])).astype(int)
    y = np.rint(height * 0.5 + scale * (points[order, 0] - 0.40)).astype(int)
    inside = (x >= 1) & (x < width - 1) & (y >= 1) & (y < height - 1)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        picture[y[inside] + dy, x[inside] + dx] = colours[order][inside].astype(np.uint8)
    return picture
