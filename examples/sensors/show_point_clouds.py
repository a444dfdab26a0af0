"""Show what a LiDAR makes of a street, in clear air and in weather, and how a moving scan is straightened.

Run: python examples/sensors/show_point_clouds.py lidar_clouds.png deskew.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parent.parent / "gallery"))  # its drawing

from drawing import Image, draw_tiles, encode_small_png
from street_scene import CLASSES, make_street

from simloom.kernels import (
    LidarReading,
    Weather,
    aim_rays,
    apply_lidar,
    deskew_points,
    interpolate_trajectory,
    load_profile,
    make_pattern,
    points_from_ranges,
    pose_from_position_quaternion,
)
from simloom.renderers import RayCaster, ScanHits, cast_scan

SENSOR = "velodyne_vlp16"
HEIGHT = 1.8
"""Height of the sensor above the street [m]."""
GROUND = (16, 17, 20)
TYPES = {"surface": (150, 152, 158), "rain": (70, 160, 255), "snow": (255, 255, 255), "fog": (255, 170, 60)}
CLASS_COLOURS = np.array([
    (90, 90, 90), (120, 112, 96), (190, 120, 90), (80, 150, 255), (90, 200, 90), (250, 220, 80), (255, 90, 120),
    (190, 120, 230),
], np.uint8)  # fmt: skip


def scan_street(profile_name: str = SENSOR) -> tuple[ScanHits, NDArray[np.float64]]:
    """Scan the street once from where nothing moves; return what was met and the firings' directions."""
    library, street = make_street()
    profile = load_profile(profile_name)
    pattern = make_pattern(profile)
    origins, directions = aim_rays(pattern, profile, seed=1, index=[0])
    pose = pose_from_position_quaternion((0.0, 0.0, HEIGHT), (0.0, 0.0, 0.0, 1.0))
    hits = cast_scan(RayCaster(library), [street], origins, directions, pattern.time, pose=pose, far=profile.range_max)
    return hits, pattern.directions


def sense(hits: ScanHits, weather: Weather | None = None, profile: str = SENSOR) -> LidarReading:
    """Measure a scan in some weather."""
    return apply_lidar(
        hits.range, profile, seed=1, index=[0], cosine=hits.cosine, reflectance=hits.reflectance, surface=hits.row,
        weather=weather,
    )  # fmt: skip


def colour_by(values: NDArray[np.float64], low: float, high: float) -> Image:
    """Colour numbers from low to high: turbo."""
    shade = np.clip((values - low) / (high - low), 0.0, 1.0)
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_TURBO)[0, :, ::-1]
    return np.ascontiguousarray(table[(40 + shade * 200).astype(int)])


def colour_by_type(kinds: NDArray[np.uint8]) -> Image:
    """Colour returns by what made them."""
    table = np.zeros((6, 3), np.uint8)
    for place, colour in enumerate(((0, 0, 0), *TYPES.values(), (255, 0, 255))):
        table[place] = colour
    return table[kinds]


def splat(places: NDArray[np.float64], colours: Image, size: int, *, radius: int = 1) -> Image:
    """Draw points at pixels (x, y), later ones over earlier ones."""
    picture = np.empty((size * 3 // 4, size, 3), np.uint8)
    picture[:] = GROUND
    whole = np.rint(places).astype(int)
    for dy in range(radius):
        for dx in range(radius):
            x, y = whole[:, 0] + dx, whole[:, 1] + dy
            inside = (x >= 0) & (x < picture.shape[1]) & (y >= 0) & (y < picture.shape[0])
            picture[y[inside], x[inside]] = colours[inside]
    return picture


def draw_from_above(points: NDArray[np.float64], colours: Image, size: int, *, reach: float = 38.0) -> Image:
    """Draw points from above, x to the right, y up, highest last."""
    order = np.argsort(points[:, 2], kind="stable")
    scale = 0.5 * size / reach
    places = np.stack([0.5 * size + scale * points[:, 0], 0.375 * size - scale * points[:, 1]], axis=1)
    return splat(places[order], colours[order], size)


def draw_from_behind(points: NDArray[np.float64], colours: Image, size: int) -> Image:
    """Draw points in perspective, from behind and above the sensor, far ones first."""
    eye, tilt = np.array([-13.0, 0.0, 7.0]), np.radians(22.0)
    away = points - eye
    depth = np.cos(tilt) * away[:, 0] - np.sin(tilt) * away[:, 2]
    up = np.sin(tilt) * away[:, 0] + np.cos(tilt) * away[:, 2]
    keep = depth > 0.5
    order = np.argsort(-depth[keep], kind="stable")
    x, y = -away[keep, 1] / depth[keep], -up[keep] / depth[keep]
    places = np.stack([0.5 * size + 0.75 * size * x, 0.36 * size + 0.75 * size * y], axis=1)
    return splat(places[order], colours[keep][order], size, radius=2)


def draw_clouds(size: int = 460) -> Image:
    """Draw the street's clouds: rings, intensities, classes; then rain, snow and fog, from above and in perspective."""
    hits, directions = scan_street()
    ring = make_pattern(load_profile(SENSOR)).ring
    tiles: list[tuple[str, Image]] = []
    clear = sense(hits)
    points = points_from_ranges(clear.range, directions)[0, :, 0].astype(np.float64)
    seen = clear.return_type[0, :, 0] > 0
    classes = hits.class_id[0, np.arange(len(ring)), np.maximum(clear.subray[0, :, 0], 0)]
    shades = {
        "clear, by ring": colour_by(ring[seen].astype(float), 0, ring.max()),
        "clear, by intensity": colour_by(clear.intensity[0, seen, 0].astype(float), 0.0, 70.0),
        "clear, by class": CLASS_COLOURS[classes[seen]],
    }
    tiles += [(name, draw_from_above(points[seen], colours, size)) for name, colours in shades.items()]
    below: list[tuple[str, Image]] = []
    for name, weather in (
        ("rain, 25 mm/h", Weather(rain_rate=25.0)),
        ("snow, 5 mm/h of water", Weather(snow_rate=5.0)),
        ("fog, visibility 60 m", Weather(visibility=60.0)),
    ):
        reading = sense(hits, weather)
        there = reading.return_type[0] > 0
        cloud = points_from_ranges(reading.range, directions)[0][there].astype(np.float64)
        colours = colour_by_type(reading.return_type[0][there])
        tiles.append((f"{name}, by type", draw_from_above(cloud, colours, size)))
        below.append((f"{name}, by type", draw_from_behind(cloud, colours, size)))
    del below[1]
    below.insert(0, ("clear, by class", draw_from_behind(points[seen], shades["clear, by class"], size)))
    for place, (name, colour) in enumerate(zip(CLASSES[1:], CLASS_COLOURS[1:].tolist(), strict=True)):
        cv2.putText(tiles[2][1], name, (6, 16 + 15 * place), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    title = f"{SENSOR} in a street, both returns: surfaces grey, rain blue, snow white, fog orange"
    return draw_tiles(title, tiles + below, columns=3)


def draw_deskewing(size: int = 600) -> Image:
    """Draw the scan of a robot that drives at 5 m/s and turns at 1.5 rad/s, as measured and de-skewed."""
    library, street = make_street()
    profile = load_profile(SENSOR)
    pattern = make_pattern(profile)
    origins, directions = aim_rays(pattern, profile, seed=1, index=[0])
    stamps = np.arange(0, 111_000_000, 10_000_000)
    seconds = stamps * 1e-9
    yaw = 1.5 * seconds
    zero = np.zeros_like(seconds)
    poses = pose_from_position_quaternion(
        np.stack([5.0 * seconds, zero, zero + HEIGHT], axis=1),
        np.stack([zero, zero, np.sin(0.5 * yaw), np.cos(0.5 * yaw)], axis=1),
    )
    hits = cast_scan(
        RayCaster(library), [street], origins, directions, pattern.time, pose=poses, pose_time=stamps,
        far=profile.range_max,
    )  # fmt: skip
    reading = sense(hits)
    skewed = points_from_ranges(reading.range, pattern.directions)
    end = 100_000_000
    straight = deskew_points(skewed, hits.time, poses, stamps, end)
    frame = interpolate_trajectory(poses, stamps, [[end]])[0, 0]
    at_rest = cast_scan(
        RayCaster(library), [street], origins, directions, pattern.time, pose=frame, far=profile.range_max
    )  # fmt: skip
    truth = points_from_ranges(sense(at_rest).range, pattern.directions)[0, :, 0].astype(np.float64)
    tiles = []
    for name, cloud in (("as measured", skewed), ("de-skewed to the scan's end", straight)):
        points = cloud[0, :, 0].astype(np.float64)
        seen = (reading.return_type[0, :, 0] > 0) & (points[:, 2] > -1.5)
        still = truth[(truth != 0.0).any(axis=1) & (truth[:, 2] > -1.5)]
        both = np.concatenate([still, points[seen]])
        colours = np.concatenate([
            np.full((len(still), 3), 90, np.uint8), np.broadcast_to(np.uint8((255, 150, 60)), (int(seen.sum()), 3))
        ])  # fmt: skip
        scale = 0.5 * size / 22.0
        places = np.stack([0.5 * size + scale * both[:, 0], 0.375 * size - scale * both[:, 1]], axis=1)
        tiles.append((name, splat(places, colours, size, radius=2)))
    return draw_tiles("A scan at 5 m/s and 1.5 rad/s (orange) over one at rest (grey)", tiles, columns=2)


if __name__ == "__main__":
    names = sys.argv[1:] or ["lidar_clouds.png", "deskew.png"]
    for name, picture in zip(names, (draw_clouds(), draw_deskewing()), strict=False):
        Path(name).write_bytes(encode_small_png(picture, 290_000))
