"""Active stereo depth: noise, quantisation and shadows made in disparity, with a status for every pixel.

The depth image is the left imager's; the second one stands a baseline B to its right. For a surface at depth z:

    d = f B / z                                              true disparity [px]
    d' = round((d + s n) / q) q,   z' = f B / d'             noise of standard deviation s, step q

so that sigma_z = z^2 s / (f B) and the depth step z^2 q / (f B) follow by themselves. n has unit variance at every
pixel and is correlated over the matcher's support: normals on a coarse grid, interpolated linearly and divided by the
interpolation's own standard deviation.

A surface is lost where the second imager cannot see it: outside its field (the left d pixels of the image) or behind a
nearer surface. The latter is a z-test per image line: each surface is drawn into the second imager's line, as wide as
it appears there, and a pixel is occluded where something nearer by more than the profile's step was drawn over it. It
is also lost at grazing incidence and on surfaces dark in the infrared, with a probability that falls linearly to zero
between two limits.

Draws, in the stream "depth": block 0, one per node column and four node rows of the coarse grid; block 1, one per
pixel, for loss.

Differs from a real sensor: no matching is done, so texture and glare have no influence, and edges are not fattened.

Sources: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras" (z^2 law, 1/32 px); librealsense
issue 3904 (0.08 px).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .develop import check_rows
from .device import Kernel, allocate, on_device, require_device, scalar
from .philox import draw_block, stream_key
from .profiles import DepthProfile, load_depth_profile
from .variates import normal, uniform64

VALID: Final = 0
"""Depth was measured."""
NO_SURFACE: Final = 1
"""The ray meets nothing."""
TOO_NEAR: Final = 2
"""The disparity is larger than any that is searched."""
TOO_FAR: Final = 3
"""The surface, or what was measured of it, is beyond the range."""
OCCLUDED: Final = 4
"""A nearer surface hides it from the second imager."""
LOW_SIGNAL: Final = 5
"""Too little light came back: dark or grazing."""
OUT_OF_OVERLAP: Final = 6
"""It lies outside the second imager's field."""

_BLOCK_GRID: Final = 0
_BLOCK_LOSS: Final = 1
_MAX_SIDE: Final = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthReading:
    """What a depth sensor reports."""

    depth: Any
    """Depth along +z [m], float32, shape (N, H, W); 0 = no return."""
    status: Any
    """Why there is no return, uint8, shape (N, H, W): 0 valid, 1 no_surface, 2 too_near, 3 too_far, 4 occluded,
    5 low_signal, 6 out_of_overlap."""
    profile: DepthProfile
    """The sensor."""


@scalar
def _grid_normal(key_0: Any, key_1: Any, row: Any, sensor: Any, column: Any, line: Any) -> Any:
    """Return the unit normal at a node of the coarse grid."""
    item = ((line >> 2) << 16) | column
    w0, w1, w2, w3 = draw_block(key_0, key_1, item, row, sensor, _BLOCK_GRID)
    k = line & 3
    word = (w0 if k == 0 else w1) if k < 2 else (w2 if k == 2 else w3)
    return normal(word)


@scalar
def _column_noise(key_0: Any, key_1: Any, row: Any, sensor: Any, column: Any, line: Any, upper: Any, lower: Any) -> Any:
    """Return the coarse noise of a node column at an image line between two node lines."""
    value = upper * _grid_normal(key_0, key_1, row, sensor, column, line)
    return value + lower * _grid_normal(key_0, key_1, row, sensor, column, line + 1)


@scalar(forceinline=True)
def _has_surface(depth: Any) -> Any:
    # False for NaN and infinity.
    return (depth > np.float32(0.0)) and (depth < np.float32(3.0e38))


@scalar
def _kept_share(value: Any, none: Any, full: Any) -> Any:
    """Return the probability of a return: 0 up to `none`, 1 from `full`, linear between."""
    share = (value - none) / (full - none)
    return min(max(share, 0.0), 1.0)


@scalar
def _cast_line(line: Any, depth_in: Any, focal_baseline: Any, reach: Any, seen_out: Any) -> None:
    """Draw a line's surfaces into the second imager: `seen_out` holds the largest disparity at each of its pixels."""
    width = depth_in.shape[1]
    for x in range(width):
        seen_out[line, x] = np.float32(0.0)
    here = 0.0
    before = 0.0
    depth = depth_in[line, 0]
    following = focal_baseline / depth if _has_surface(depth) else 0.0
    for x in range(width):
        before, here, following = here, following, 0.0
        if x + 1 < width:
            depth = depth_in[line, x + 1]
            following = focal_baseline / depth if _has_surface(depth) else 0.0
        if here <= 0.0 or x + 1.0 < here:
            continue
        # Neighbours of nearly the same disparity are one surface, which meets half-way between their disparities.
        left = 0.5 * (here + before) if abs(here - before) <= reach else here
        right = 0.5 * (here + following) if abs(here - following) <= reach else here
        first = max(math.ceil(x - 0.5 - left), 0)
        last = min(math.floor(x + 0.5 - right), width - 1)
        value = np.float32(here)
        for target in range(first, last + 1):
            if value > seen_out[line, target]:
                seen_out[line, target] = value


@scalar
def _depth_line(
    line: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, fx_in: Any, row_in: Any, sensor_in: Any, weight_in: Any,
    key_0: Any, key_1: Any, sensor: Any, height: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    width = depth_in.shape[1]
    image = line // height
    y = line - image * height
    row = row_in[image]
    baseline, deviation, step, largest = sensor_in[0], sensor_in[1], sensor_in[2], sensor_in[3]
    range_max, reach = sensor_in[4], sensor_in[5]
    focal_baseline = fx_in[image] * baseline
    inverse_step = 1.0 / step
    has_cosine = cosine_in.shape[0] > 0
    has_infrared = infrared_in.shape[0] > 0
    cell = weight_in.shape[0]
    node_line = y // cell
    upper, lower = weight_in[y - node_line * cell, 0], weight_in[y - node_line * cell, 1]

    # The second imager's line stands in depth_out. Pixel x looks at x - d <= x there, and pixels are done from the
    # right, so none is overwritten before its last use.
    _cast_line(line, depth_in, focal_baseline, reach, depth_out)

    column = (width - 1) // cell
    noise_right = _column_noise(key_0, key_1, row, sensor, column + 1, node_line, upper, lower)
    noise_left = _column_noise(key_0, key_1, row, sensor, column, node_line, upper, lower)
    within = width - 1 - column * cell
    for x in range(width - 1, -1, -1):
        if within < 0:
            column -= 1
            within = cell - 1
            noise_right = noise_left
            noise_left = _column_noise(key_0, key_1, row, sensor, column, node_line, upper, lower)
        noise = weight_in[within, 0] * noise_left + weight_in[within, 1] * noise_right
        within -= 1
        status = VALID
        depth = 0.0
        true_depth = depth_in[line, x]
        if not _has_surface(true_depth):
            status = NO_SURFACE
        else:
            disparity = focal_baseline / np.float64(true_depth)
            if disparity > largest:
                status = TOO_NEAR
            elif true_depth > range_max:
                status = TOO_FAR
            elif disparity > x:
                status = OUT_OF_OVERLAP
            elif depth_out[line, np.int64(x - disparity + 0.5)] > disparity + reach:
                status = OCCLUDED
            else:
                kept = 1.0
                if has_cosine:
                    kept = _kept_share(np.float64(cosine_in[line, x]), sensor_in[7], sensor_in[6])
                if has_infrared:
                    kept *= _kept_share(np.float64(infrared_in[line, x]), sensor_in[9], sensor_in[8])
                if kept < 1.0:
                    word, _, _, _ = draw_block(key_0, key_1, y * width + x, row, sensor, _BLOCK_LOSS)
                    if not (uniform64(word) < kept):
                        status = LOW_SIGNAL
            if status == VALID:
                steps = math.floor((disparity + deviation * noise) * inverse_step + 0.5)
                if steps < 1.0 or steps * step * range_max < focal_baseline:
                    status = TOO_FAR
                elif steps * step > largest:
                    status = TOO_NEAR
                else:
                    depth = focal_baseline / (steps * step)
        depth_out[line, x] = np.float32(depth)
        status_out[line, x] = np.uint8(status)


_DEPTH: Final = Kernel(_depth_line)


@scalar
def _cosine_line(
    line: Any, normal_in: Any, fx_in: Any, fy_in: Any, center_in: Any, height: Any, cosine_out: Any
) -> None:
    image = line // height
    y = ((line - image * height) - center_in[image, 1]) / fy_in[image]
    for column in range(normal_in.shape[1]):
        x = (column - center_in[image, 0]) / fx_in[image]
        away = x * normal_in[line, column, 0] + y * normal_in[line, column, 1] + normal_in[line, column, 2]
        cosine_out[line, column] = np.float32(-away / math.sqrt(x * x + y * y + 1.0))


_COSINE: Final = Kernel(_cosine_line)


def cosine_of_incidence(
    normals: ArrayLike, *, fx: ArrayLike, fy: ArrayLike | None = None, center: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Return the cosine between each surface's normal and the direction to the camera.

    Args:
        normals: Unit normals in the camera frame, shape (N, H, W, 3); zero where there is no surface.
        fx: Focal length [px], a number or shape (N,).
        fy: The same along y; None for fx.
        center: Principal point (cx, cy) [px], shape (2,) or (N, 2); None for the image's centre.

    Returns:
        Cosines, shape (N, H, W), 1 where the surface faces the camera.

    Raises:
        ValueError: If a shape or a value is wrong.
    """
    n = np.ascontiguousarray(normals, dtype=np.float32)
    if n.ndim != 4 or n.shape[3] != 3:
        raise ValueError(f"normals must have shape (N, H, W, 3), got {n.shape}")
    count, height, width, _ = n.shape
    middle = ((width - 1) / 2.0, (height - 1) / 2.0) if center is None else center
    centers = np.broadcast_to(np.asarray(middle, dtype=np.float64), (count, 2)).copy()
    out = np.empty((count * height, width), np.float32)
    f_x, f_y = _per_image(fx, count, "fx"), _per_image(fx if fy is None else fy, count, "fy")
    _COSINE.launch(count * height, n.reshape(count * height, width, 3), f_x, f_y, centers, height, out)
    return out.reshape(count, height, width)


def apply_depth(
    depth: Any,
    profile: str | DepthProfile = "realsense_d435",
    *,
    fx: ArrayLike,
    seed: int,
    index: ArrayLike,
    infrared: Any = None,
    cosine: Any = None,
    sensor: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> DepthReading:
    """Measure each depth image with an active stereo sensor.

    Args:
        depth: True depth along +z of the left imager [m], float32, shape (N, H, W); 0, NaN or infinity where there is
            no surface. An array that shows `__cuda_array_interface__` is used where it is, and so is the reading.
        profile: Built-in name or a profile.
        fx: Focal length [px], a number or shape (N,).
        seed: Seed of the noise, [0, 2^64).
        index: Global row index of each image, int64, shape (N,).
        infrared: Infrared reflectance of the surfaces, [0, 1], shape (N, H, W); None where none is too dark.
        cosine: Cosine of incidence, shape (N, H, W), see `cosine_of_incidence`; None where none is grazing.
        sensor: Number of the sensor within its rig, [0, 2^16); sensors of one rig need different ones.
        device: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Depth images and the status of each pixel.

    Raises:
        ValueError: If a shape, the profile's name or a value is wrong.
        RuntimeError: If the device is not here.

    Source: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras"; sigma_z = z^2 s / (f B).

    Example:
        >>> reading = apply_depth(np.full((1, 4, 60), 2.0, np.float32), fx=446.8, seed=1, index=[0])
        >>> reading.status[0, 0, 0] == OUT_OF_OVERLAP
        True
    """
    camera = load_depth_profile(profile) if isinstance(profile, str) else profile
    there = on_device(depth)
    target = "cuda" if there else device
    require_device(target)
    images = depth if there else np.ascontiguousarray(depth, dtype=np.float32)
    if len(images.shape) != 3 or not all(1 <= side <= _MAX_SIDE for side in images.shape[1:]):
        raise ValueError(f"depth must have shape (N, H, W) with sides in [1, {_MAX_SIDE}], got {tuple(images.shape)}")
    count, height, width = images.shape
    rows = check_rows(index, count)
    if not 0 <= sensor < 1 << 16:
        raise ValueError(f"sensor must be in [0, 65536), got {sensor}")
    lines = (count * height, width)
    measured = allocate(lines, np.float32, there)
    status = allocate(lines, np.uint8, there)
    constants = np.array([
        camera.baseline, camera.disparity_noise, camera.disparity_step, camera.disparity_max, camera.range_max,
        camera.occlusion_step, camera.cosine_full, camera.cosine_none, camera.infrared_full, camera.infrared_none,
    ])  # fmt: skip
    _DEPTH.launch(
        count * height, images.reshape(lines), _per_pixel(cosine, images, "cosine"),
        _per_pixel(infrared, images, "infrared"), _per_image(fx, count, "fx"), rows, constants,
        _weights(camera.noise_cell), *stream_key(seed, "depth"), np.uint64(sensor), height, measured, status,
        device=target, threads=threads,
    )  # fmt: skip
    shape = (count, height, width)
    return DepthReading(depth=measured.reshape(shape), status=status.reshape(shape), profile=camera)


def _per_image(value: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (count,)) or not (np.isfinite(values).all() and (values > 0.0).all()):
        raise ValueError(f"{name} must be a positive number or an array of shape ({count},), got {value!r}")
    return np.broadcast_to(values, (count,)).copy()


def _per_pixel(value: Any, images: Any, name: str) -> Any:
    if value is None:
        return np.empty((0, 1), np.float32)
    array = value if on_device(value) else np.ascontiguousarray(value, dtype=np.float32)
    if tuple(array.shape) != tuple(images.shape):
        raise ValueError(f"{name} must have the depth's shape {tuple(images.shape)}, got {tuple(array.shape)}")
    return array.reshape(-1, images.shape[2])


@functools.lru_cache(maxsize=16)
def _weights(cell: int) -> NDArray[np.float64]:
    # Linear weights at each of a cell's pixels, scaled so that their squares add to one: the noise keeps its variance.
    weights = np.empty((cell, 2))
    for k in range(cell):
        t = k / cell
        length = math.sqrt((1.0 - t) * (1.0 - t) + t * t)
        weights[k] = ((1.0 - t) / length, t / length)
    weights.flags.writeable = False
    return weights
