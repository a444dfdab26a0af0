"""Lamps: points, spots and small balls of light, each with shadow maps of its own."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import scalar
from .light_block import EXTRA_BLUE, EXTRA_GREEN, EXTRA_RED
from .shading import evaluate_lobe, reflect_direct
from .shadow_filter import filter_shadow
from .surface import (
    BLUE,
    FACE_X,
    FACE_Y,
    FACE_Z,
    GREEN,
    METALLIC,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    POSITION_X,
    POSITION_Y,
    POSITION_Z,
    RED,
    ROUGHNESS,
    VIEW_X,
    VIEW_Y,
    VIEW_Z,
)
from .tables import Worlds

F0 = np.float32(0.0)
F1 = np.float32(1.0)
SPOT = 2
NEAR, FAR = 0.005, 1000.0
"""Range of a lamp's shadow maps [m]."""
STEEPEST = np.float32(6.0)
"""Largest slope of a receiver that the shadow look-up follows [texels of depth per texel]."""
_CUBE = np.array(
    [
        [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
        [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
    ],
    np.float64,
)
"""Rows of camera-from-world rotations of the faces +x, -x, +y, -y, +z, -z."""


class Faces(NamedTuple):
    """Shadow maps of lamps: a spot has one, any other lamp the six of a cube."""

    first: Any
    """First face of each lamp, -1 = sheds no shadows, shape (W, L, K) int32."""
    placement: Any
    """Camera-from-world rotation (9), position (3), focal length and centre [texels]; shape (F, 14) float32."""
    level: Any
    """What each face draws, as in `Draws.level`."""
    shadow: Any
    """Texels of all maps, face after face, uint32."""
    step: Any
    """Whether there is a step in depth around each tile of each map, uint8 (see `shadow_filter`)."""


def place_faces(
    lamp: NDArray[np.float32], side: int
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]:
    """Lay out the shadow maps of lamps.

    Args:
        lamp: The table `Worlds.lamp`, shape (W, L, K, 13).
        side: Texels per side of a map.

    Returns:
        First face of each lamp (W, L, K), the faces as rows of `Views.camera` (F, 31), and the snapshot of each (F,).
    """
    first = np.full(lamp.shape[:3], -1, np.int32)
    rows: list[NDArray[np.float64]] = []
    worlds: list[int] = []
    centre = 0.5 * (side - 1)
    for at in np.ndindex(*lamp.shape[:3]):
        table = lamp[at].astype(np.float64)
        if table[12] == 0:
            continue
        first[at] = len(rows)
        if table[12] == SPOT:
            # Two texels beyond the cone, so that the filter finds neighbours at its rim.
            focal = (centre - 2.0) / math.tan(math.acos(min(max(table[10], -1.0), 1.0)) + 1e-3)
            rotations = _look_along(table[6:9])[None]
        else:
            focal, rotations = centre - 2.0, _CUBE
        for rotation in rotations:
            row = np.zeros(31)
            position = table[:3]
            offset = -(rotation[:, 0] * position[0] + rotation[:, 1] * position[1] + rotation[:, 2] * position[2])
            row[:6] = focal, focal, centre, centre, NEAR, FAR
            row[6:18] = np.concatenate([rotation, offset[:, None]], axis=1).reshape(12)
            row[18:21] = position
            row[21:30] = rotation.T.reshape(9)
            rows.append(row)
            worlds.append(at[0])
    return first, np.array(rows).reshape(-1, 31), np.array(worlds, np.int32)


def _look_along(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    side = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.8 else np.array([0.0, 1.0, 0.0])
    x = np.cross(axis, side)
    x /= math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    return np.array([x, np.cross(axis, x), axis])


def pack_placement(camera: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the columns of `Faces.placement` of some rows of `Views.camera`."""
    rotation = camera[:, 21:30].reshape(-1, 3, 3).transpose(0, 2, 1).reshape(-1, 9)
    return np.concatenate([rotation, camera[:, 18:21], camera[:, :1], camera[:, 2:3]], axis=1).astype(np.float32)


@scalar
def _see_lamp(
    face: Any, side: int, px: Any, py: Any, pz: Any, gx: Any, gy: Any, gz: Any, away: Any, slack: Any, bias: Any,
    radius: Any, faces: Faces,
) -> Any:  # fmt: skip
    """Return the share of a lamp that a point (px, py, pz) from it sees; (gx, gy, gz) is the normal there."""
    x = faces.placement[face, 0] * px + faces.placement[face, 1] * py + faces.placement[face, 2] * pz
    y = faces.placement[face, 3] * px + faces.placement[face, 4] * py + faces.placement[face, 5] * pz
    z = faces.placement[face, 6] * px + faces.placement[face, 7] * py + faces.placement[face, 8] * pz
    focal, centre = faces.placement[face, 12], faces.placement[face, 13]
    if z < np.float32(NEAR):
        return F1
    nearness = F1 / z
    u, v = focal * x * nearness + centre, focal * y * nearness + centre
    last = np.float32(side - 1)
    if u < F0 or v < F0 or u > last or v > last:
        return F1
    nx = faces.placement[face, 0] * gx + faces.placement[face, 1] * gy + faces.placement[face, 2] * gz
    ny = faces.placement[face, 3] * gx + faces.placement[face, 4] * gy + faces.placement[face, 5] * gz
    nz = faces.placement[face, 6] * gx + faces.placement[face, 7] * gy + faces.placement[face, 8] * gz
    plane = nx * x + ny * y + nz * z
    # On the receiver's plane nearness is linear over the map; a slope is the normal over focal length and distance.
    limit = STEEPEST * nearness / focal
    inverse = F1 / (focal * plane) if plane < -np.float32(1e-9) else F0
    slope_u, slope_v = min(max(nx * inverse, -limit), limit), min(max(ny * inverse, -limit), limit)
    margin = slack * away * nearness * nearness + bias * (nearness / focal + abs(slope_u) + abs(slope_v))
    spread = radius * focal
    reach = np.float32(9.0) * nearness
    return filter_shadow(
        face,
        side,
        u,
        v,
        nearness,
        slope_u,
        slope_v,
        margin,
        np.float32(1.0 / FAR),
        spread,
        reach,
        faces.shadow,
        faces.step,
    )


@scalar
def _find_face(first: int, kind: int, x: Any, y: Any, z: Any) -> int:
    if kind == SPOT:
        return first
    ax, ay, az = abs(x), abs(y), abs(z)
    if ax >= ay and ax >= az:
        return first + (0 if x >= F0 else 1)
    if ay >= az:
        return first + (2 if y >= F0 else 3)
    return first + (4 if z >= F0 else 5)


@scalar
def shine_lamps(
    count: int,
    world: int,
    look: int,
    view: int,
    largest: int,
    side: int,
    bias: Any,
    worlds: Worlds,
    level_error_in: Any,
    level_in: Any,
    faces: Faces,
    draws: Any,
    block: Any,
    light_block: Any,
) -> None:
    """Add the radiance that a block of samples reflects of its look's lamps; must run before the albedo is replaced.

    A lamp with a radius is a ball: its lobe is widened by the angle it fills, at constant energy (Karis 2013, "Real
    shading in Unreal Engine 4", eq. 14). `side` 0 means no shadows.
    """
    lamp_count = worlds.lamp.shape[2]
    for k in range(lamp_count):
        lamp = worlds.lamp[world, look, k]
        kind = int(lamp[12])
        if kind == 0:
            continue
        first_face = faces.first[world, look, k] if side > 0 else -1
        radius = lamp[11]
        for i in range(count):
            x = np.uint64(i)
            draw = draws[x]
            if draw < 0:
                continue
            px, py, pz = block[POSITION_X + x], block[POSITION_Y + x], block[POSITION_Z + x]
            px, py, pz = px - lamp[0], py - lamp[1], pz - lamp[2]
            square = max(px * px + py * py + pz * pz, max(radius * radius, np.float32(1e-6)))
            inverse = F1 / np.float32(math.sqrt(square))
            lx, ly, lz = -px * inverse, -py * inverse, -pz * inverse
            gx, gy, gz = block[FACE_X + x], block[FACE_Y + x], block[FACE_Z + x]
            towards = gx * lx + gy * ly + gz * lz
            strength = F1 / square
            if kind == SPOT:
                along = -(lx * lamp[6] + ly * lamp[7] + lz * lamp[8])
                edge = min(max((along - lamp[10]) / max(lamp[9] - lamp[10], np.float32(1e-4)), F0), F1)
                strength = strength * edge * edge * (np.float32(3.0) - np.float32(2.0) * edge)
            if towards <= F0 or strength <= F0:
                continue
            rough = block[ROUGHNESS + x]
            alpha = rough * rough
            wide = min(alpha + np.float32(0.5) * radius * inverse, F1)
            lit, specular, fresnel = evaluate_lobe(
                block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x], block[VIEW_X + x], block[VIEW_Y + x],
                block[VIEW_Z + x], lx, ly, lz, wide,
            )  # fmt: skip
            share = lit * strength
            if first_face >= 0 and share > F0:
                face = _find_face(first_face, kind, px, py, pz)
                error = level_error_in[level_in[view * largest + draw]]
                caster = faces.level[face * largest + draw]
                if caster >= 0:
                    error += level_error_in[caster]
                instance = worlds.start[world] + draw
                slack = error * max(
                    worlds.scale[instance, 0], max(worlds.scale[instance, 1], worlds.scale[instance, 2])
                )
                share *= _see_lamp(face, side, px, py, pz, gx, gy, gz, F1 / towards, slack, bias, radius, faces)
            metallic = block[METALLIC + x]
            light_block[EXTRA_RED + x] += share * lamp[3] * reflect_direct(block[RED + x], metallic, specular, fresnel)
            light_block[EXTRA_GREEN + x] += (
                share * lamp[4] * reflect_direct(block[GREEN + x], metallic, specular, fresnel)
            )
            light_block[EXTRA_BLUE + x] += (
                share * lamp[5] * reflect_direct(block[BLUE + x], metallic, specular, fresnel)
            )
