"""What the two infrared imagers of an active stereo camera see.

Both imagers look along the same axis; the right one stands a baseline along +x of the left. Surfaces are matt: of
diffuse reflectance a (luminance of the albedo, none for metals) a surface at distance r from the projector has the
radiance

    L = a (ambient (1 + n . up) / 2 + V I(direction) cos / (pi r^2))

with a uniform sky above (ambient), the projector's radiant intensity I in the surface's direction, and V the share of
the projector that the surface sees: a depth map drawn from the projector, four taps, each compared with the depth that
the surface's own plane has there. A transparent surface passes what lies behind by 1 - opacity and adds nothing.

Differs from real scenes: no highlights, no light from surface to surface, no bending in glass; albedo is that of
visible light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.device import Kernel, scalar
from .dot_projector import DotProjector, dot_pattern, make_dots, pattern_numbers
from .raster.raster import Raster
from .snapshot import Snapshot
from .surfaces import Materials
from .view import Camera

SHADOW_BIAS: Final = 0.003
"""Share of its own depth by which a surface must be nearer to the projector to shade another."""

_RED: Final = 0.2126
_GREEN: Final = 0.7152
_BLUE: Final = 0.0722


@dataclass(frozen=True, kw_only=True, eq=False)
class InfraredFrames:
    """What both imagers see, and what the left one looks at."""

    left: NDArray[np.float32]
    """Radiance at the left imager [W/(sr m^2)], shape (N, H, W); 0 where there is no surface."""
    right: NDArray[np.float32]
    """Radiance at the right imager [W/(sr m^2)], shape (N, H, W)."""
    depth: NDArray[np.float32]
    """Depth along +z of the left imager [m], shape (N, H, W), 0 = nothing."""
    normal: NDArray[np.float32]
    """Unit normal in the left imager's frame, shape (N, H, W, 3), 0 = nothing."""
    reflectance: NDArray[np.float32]
    """Diffuse reflectance at the left imager, times what glass before it passes [1], shape (N, H, W)."""


@scalar
def _reflectance(red: Any, green: Any, blue: Any) -> Any:
    return _RED * np.float64(red) + _GREEN * np.float64(green) + _BLUE * np.float64(blue)


@scalar
def _lit_share(px: Any, py: Any, pz: Any, nx: Any, ny: Any, nz: Any, map_in: Any, lens_in: Any) -> Any:
    """Return the share of the projector that a point in its frame sees, by four taps of its depth map."""
    u, v = lens_in[0] * px / pz + lens_in[2], lens_in[1] * py / pz + lens_in[3]
    column, row = np.int64(math.floor(u)), np.int64(math.floor(v))
    towards = nx * px + ny * py + nz * pz
    share = 0.0
    for k in range(4):
        x, y = column + (k & 1), row + (k >> 1)
        weight = (u - column if k & 1 else column + 1.0 - u) * (v - row if k >> 1 else row + 1.0 - v)
        nearest = 0.0
        if 0 <= x < map_in.shape[1] and 0 <= y < map_in.shape[0]:
            nearest = np.float64(map_in[y, x])
        slope = nx * (x - lens_in[2]) / lens_in[0] + ny * (y - lens_in[3]) / lens_in[1] + nz
        # Where the tap's ray misses the plane, or meets it far away, the point's own depth must do.
        expected = pz
        if slope < 0.0 and towards / slope < 1.5 * pz and towards / slope > 0.5 * pz:
            expected = towards / slope
        if nearest <= 0.0 or nearest > min(expected, pz) * (1.0 - SHADOW_BIAS):
            share += weight
    return share


@scalar
def shade_line(
    line: Any, depth_in: Any, normal_in: Any, albedo_in: Any, coverage_in: Any, imager_in: Any, up_in: Any,
    ambient: Any, position_in: Any, pattern_in: Any, dot_in: Any, map_in: Any, lens_in: Any, height: Any,
    radiance_out: Any,
) -> None:  # fmt: skip
    """Shade one line of pixels of the V imagers' images, all lines of which follow one another.

    Args:
        line: Which line.
        depth_in: Depth [m], shape (V H, W).
        normal_in: Normals, shape (V H, W, 3).
        albedo_in: Albedo, shape (V H, W, 3).
        coverage_in: Opacity of what lies before it, shape (V H, W); (0, 1) for none.
        imager_in: fx, fy, cx, cy [px] and x in the left imager's frame [m], shape (V, 5).
        up_in: The world's up direction in the imagers' frame, shape (3,).
        ambient: Radiance of the sky [W/(sr m^2)].
        position_in: Projector in the left imager's frame [m], shape (3,).
        pattern_in: See `dot_pattern`.
        dot_in: See `dot_pattern`; (0, 0, 3) where there is no projector.
        map_in: Depth seen from the projector [m], shape (H', W').
        lens_in: fx, fy, cx, cy of the depth map [px], shape (4,).
        height: Lines of an image.
        radiance_out: Radiance [W/(sr m^2)], shape (V H, W).
    """
    imager = line // height
    fx, fy, x_imager = imager_in[imager, 0], imager_in[imager, 1], imager_in[imager, 4]
    slope_y = (line - imager * height - imager_in[imager, 3]) / fy
    for column in range(depth_in.shape[1]):
        z = np.float64(depth_in[line, column])
        if not z > 0.0:
            radiance_out[line, column] = np.float32(0.0)
            continue
        nx, ny = np.float64(normal_in[line, column, 0]), np.float64(normal_in[line, column, 1])
        nz = np.float64(normal_in[line, column, 2])
        light = 0.5 * ambient * (1.0 + nx * up_in[0] + ny * up_in[1] + nz * up_in[2])
        px = (column - imager_in[imager, 2]) / fx * z + x_imager - position_in[0]
        py, pz = slope_y * z - position_in[1], z - position_in[2]
        square = px * px + py * py + pz * pz
        facing = -(nx * px + ny * py + nz * pz)
        if dot_in.shape[0] > 0 and pz > 1e-3 and facing > 0.0:
            # A pixel is as wide seen from the projector as from the imager, but for their distances: its variance is
            # that of a box.
            footprint = 0.28867513459481287 * z / (fx * pz)
            intensity = dot_pattern(px / pz, py / pz, footprint, pattern_in, dot_in)
            if intensity > 0.0:
                share = _lit_share(px, py, pz, nx, ny, nz, map_in, lens_in)
                light += share * intensity * facing / (math.pi * square * math.sqrt(square))
        seen = _reflectance(
            albedo_in[line, column, 0], albedo_in[line, column, 1], albedo_in[line, column, 2]
        ) * light  # fmt: skip
        if coverage_in.shape[0] > 0:
            seen *= 1.0 - np.float64(coverage_in[line, column])
        radiance_out[line, column] = np.float32(seen)


_SHADE: Final = Kernel(shade_line)


def render_infrared(
    raster: Raster,
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
    *,
    baseline: float,
    projector: DotProjector | None,
    ambient: float = 0.05,
    look: int = 0,
    supersample: int = 2,
    shadow_resolution: int = 1024,
) -> InfraredFrames:
    """Render what the two infrared imagers of stereo cameras see.

    Args:
        raster: Draws the scene; its device shades, too.
        snapshots: The worlds, one for each camera.
        cameras: The left imagers, pinholes of one size without a shutter.
        baseline: Distance of the imagers [m], > 0.
        projector: The dot projector; None for passive stereo.
        ambient: Radiance of the sky in the infrared [W/(sr m^2)], ≥ 0.
        look: Which look's materials are seen.
        supersample: Samples per pixel side, [1, 4]. Depth, normals and reflectance come from the pixel's centre.
        shadow_resolution: Texels across the projector's depth map, [64, 4096].

    Returns:
        Both images, and depth, normals and reflectance of the left one.

    Raises:
        ValueError: If a value is out of range, or a camera has a lens or a shutter.

    Source: Lambert's law and the inverse-square law; a sky above a tilted surface: (1 + cos) / 2.

    Example:
        >>> frames = render_infrared(raster, [snapshot], [camera], baseline=0.05, projector=DotProjector())
    """
    _check(snapshots, cameras, baseline, ambient, look, supersample, shadow_resolution)
    height, width = cameras[0].height, cameras[0].width
    shape = (len(cameras), height, width)
    left, right, reflectance = (np.empty(shape, np.float32) for _ in range(3))
    depth, normal = np.empty(shape, np.float32), np.empty((*shape, 3), np.float32)
    for view, (snapshot, camera) in enumerate(zip(snapshots, cameras, strict=True)):
        matt = _make_matt(snapshot, look)
        radiance = _shade(raster, matt, camera, baseline, projector, ambient, supersample, shadow_resolution)
        left[view], right[view] = _shrink(radiance, supersample)
        # A view of its own: the samples of a pixel do not hold its centre.
        frames = raster.render([matt], [camera], outputs=("depth", "normal", "albedo", "coverage")).to_host()
        depth[view], normal[view] = _array(frames.depth)[0], _array(frames.normal)[0]
        albedo = _array(frames.albedo)[0, 0]
        reflected = np.float32(_RED) * albedo[..., 0] + np.float32(_GREEN) * albedo[..., 1]
        reflected += np.float32(_BLUE) * albedo[..., 2]
        reflectance[view] = (1.0 - _array(frames.coverage)[0, 0]) * reflected
    return InfraredFrames(left=left, right=right, depth=depth, normal=normal, reflectance=reflectance)


def _array(output: NDArray[Any] | None) -> NDArray[Any]:
    assert output is not None, "it was asked for"
    return output


def _check(
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
    baseline: float,
    ambient: float,
    look: int,
    supersample: int,
    shadow_resolution: int,
) -> None:
    if not cameras or len(snapshots) != len(cameras):
        raise ValueError(f"there must be one snapshot for each camera, got {len(snapshots)} and {len(cameras)}")
    for view, camera in enumerate(cameras):
        if camera.lens is not None or camera.shutter is not None:
            raise ValueError(f"stereo takes rectified images: camera {view} must have no lens and no shutter")
        if (camera.width, camera.height) != (cameras[0].width, cameras[0].height):
            raise ValueError("all cameras of one call must have one size; call render_infrared for each size")
    if not (math.isfinite(baseline) and baseline > 0):
        raise ValueError(f"baseline must be a positive number of metres, got {baseline}")
    if not (math.isfinite(ambient) and ambient >= 0):
        raise ValueError(f"ambient must be a radiance ≥ 0, got {ambient}")
    looks = min(snapshot.look_count for snapshot in snapshots)
    if not 0 <= look < looks:
        raise ValueError(f"look must be in [0, {looks}), got {look}")
    if supersample not in (1, 2, 3, 4):
        raise ValueError(f"supersample must be 1, 2, 3 or 4, got {supersample}")
    if not 64 <= shadow_resolution <= 4096:
        raise ValueError(f"shadow_resolution must be in [64, 4096], got {shadow_resolution}")


def _make_matt(snapshot: Snapshot, look: int) -> Snapshot:
    """Return the snapshot in one look, its albedo without what metals mirror."""
    values = {field.name: getattr(snapshot.materials, field.name)[look : look + 1] for field in fields(Materials)}
    matt = 1.0 - values["metallic"][..., None]
    values["base_color"] = values["base_color"] * matt
    values["pattern_color"] = values["pattern_color"] * matt
    lights = snapshot.lighting
    light = {field.name: getattr(lights, field.name)[look : look + 1] for field in fields(lights)}
    return replace(snapshot, materials=Materials(**values), lighting=replace(lights, **light))


def _shade(
    raster: Raster,
    snapshot: Snapshot,
    camera: Camera,
    baseline: float,
    projector: DotProjector | None,
    ambient: float,
    supersample: int,
    shadow_resolution: int,
) -> NDArray[np.float32]:
    """Return the radiance of all samples of both imagers, shape (2, H', W')."""
    fine = _refine(camera, supersample)
    imagers = [fine, replace(fine, pose_world_camera=_shift(camera.pose_world_camera, (baseline, 0.0, 0.0)))]
    names = ("depth", "normal", "albedo", "coverage")
    frames = raster.render([snapshot], imagers, view_snapshot=[0, 0], outputs=names).to_host()
    lines = (2 * fine.height, fine.width)
    dots, pattern, position = np.zeros((0, 0, 3), np.float32), np.zeros(6), np.zeros(3)
    shadow, lens = np.zeros((1, 1), np.float32), np.zeros(4)
    if projector is not None:
        dots, pattern, position = make_dots(projector), pattern_numbers(projector), np.array(projector.position)
        eye = _projector_camera(camera, projector, shadow_resolution)
        shadow = _array(raster.render([snapshot], [eye], outputs=("depth",)).to_host().depth)[0]
        lens = np.array([eye.fx, eye.fy, eye.cx, eye.cy])
    imager = np.array([(fine.fx, fine.fy, fine.cx, fine.cy, x) for x in (0.0, baseline)])
    coverage = _array(frames.coverage).reshape(lines)
    if not (coverage > 0).any():
        coverage = np.empty((0, 1), np.float32)
    radiance, up = np.empty(lines, np.float32), np.ascontiguousarray(camera.pose_world_camera[2, :3])
    _SHADE.launch(
        lines[0], _array(frames.depth).reshape(lines), _array(frames.normal).reshape(*lines, 3),
        _array(frames.albedo).reshape(*lines, 3), coverage, imager, up, float(ambient), position,
        pattern, dots, shadow, lens, fine.height, radiance, device=raster.device, threads=raster.threads,
    )  # fmt: skip
    return radiance.reshape(2, fine.height, fine.width)


def _refine(camera: Camera, factor: int) -> Camera:
    middle = 0.5 * (factor - 1)
    return replace(
        camera, width=camera.width * factor, height=camera.height * factor, fx=camera.fx * factor,
        fy=camera.fy * factor, cx=camera.cx * factor + middle, cy=camera.cy * factor + middle,
        previous_pose_world_camera=None, next_pose_world_camera=None,
    )  # fmt: skip


def _shift(pose: NDArray[np.float64], offset: Sequence[float]) -> NDArray[np.float64]:
    moved = pose.copy()
    for axis in range(3):
        step = pose[axis, 0] * offset[0] + pose[axis, 1] * offset[1] + pose[axis, 2] * offset[2]
        moved[axis, 3] = pose[axis, 3] + step
    return moved


def _projector_camera(camera: Camera, projector: DotProjector, resolution: int) -> Camera:
    across, down = (math.tan(0.5 * angle) for angle in projector.field_of_view)
    height = min(max(round(resolution * down / across), 16), 4096)
    return Camera(
        width=resolution, height=height, fx=0.5 * resolution / across, fy=0.5 * height / down,
        cx=0.5 * (resolution - 1), cy=0.5 * (height - 1), near=camera.near, far=camera.far,
        pose_world_camera=_shift(camera.pose_world_camera, projector.position),
    )  # fmt: skip


def _shrink(samples: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    # Added in a fixed order: a library's sum may change with the array's size.
    total = np.zeros((samples.shape[0], samples.shape[1] // factor, samples.shape[2] // factor), np.float32)
    for row in range(factor):
        for column in range(factor):
            total += samples[:, row::factor, column::factor]
    total /= np.float32(factor * factor)
    return total
