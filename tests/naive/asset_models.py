"""Small meshes as a user might bring them, sound and broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh


def make_bowl(radius: float = 0.08, wall: float = 0.005, sections: int = 32, rings: int = 10) -> trimesh.Trimesh:
    """Turn a half circle with a wall about z: an open bowl that stands on z = 0."""
    angle = np.linspace(0.0, np.pi / 2, rings)
    outer = np.stack([radius * np.sin(angle), radius * (1 - np.cos(angle))], axis=1)
    inner = np.stack([(radius - wall) * np.sin(angle), radius - (radius - wall) * np.cos(angle)], axis=1)[::-1]
    outer[0, 0] = inner[-1, 0] = 0.0
    return trimesh.creation.revolve(np.concatenate([outer, inner]), sections=sections)


def make_mug(radius: float = 0.04, height: float = 0.1, wall: float = 0.005) -> trimesh.Trimesh:
    """Make a cup with a handle: two closed pieces, the handle's ends within the wall."""
    line = [[0, 0], [radius, 0], [radius, height], [radius - wall, height], [radius - wall, wall], [0, wall]]
    cup = trimesh.creation.revolve(np.array(line, float), sections=32)
    return trimesh.util.concatenate([cup, _make_handle(radius - 0.4 * wall, 0.5 * height)])


def _make_handle(x: float, z: float, reach: float = 0.027, thick: float = 0.005) -> trimesh.Trimesh:
    along, around = 14, 8
    turn, ring = np.linspace(-np.pi / 2, np.pi / 2, along), np.arange(around) * 2 * np.pi / around
    rim = np.stack([np.cos(turn), np.zeros(along), np.sin(turn)], axis=1)
    points = np.array([x, 0, z]) + (
        reach * rim[:, None] + thick * (np.cos(ring)[:, None] * rim[:, None] + np.sin(ring)[:, None] * [0.0, 1.0, 0.0])
    )
    faces = []
    for i in range(along - 1):
        for j in range(around):
            a, b = i * around + j, i * around + (j + 1) % around
            faces += [[a, b, a + around], [b, b + around, a + around]]
    for j in range(1, around - 1):
        faces += [[0, j + 1, j], [(along - 1) * around, (along - 1) * around + j, (along - 1) * around + j + 1]]
    handle = trimesh.Trimesh(points.reshape(-1, 3), faces, process=False)
    if handle.volume < 0:
        handle.invert()
    return handle


def make_open_sheet() -> trimesh.Trimesh:
    """Take the bottom off a cube: an open surface."""
    cube = trimesh.creation.box((0.1, 0.1, 0.1))
    kept = ~(cube.triangles[:, :, 2] < 0).all(axis=1)
    return trimesh.Trimesh(cube.vertices, cube.faces[kept], process=False)


def write_obj(path: Path, mesh: trimesh.Trimesh, *, head: str = "") -> Path:
    """Write an OBJ with full precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in np.asarray(mesh.vertices).tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in np.asarray(mesh.faces).tolist()]
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def write_urdf(path: Path, mesh: str, *, head: str = "", inertia: str = "", more: str = "") -> Path:
    """Write a URDF of one link, drawn and touched by one mesh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = f'<origin xyz="0 0 0"/><geometry><mesh filename="{mesh}"/></geometry>'
    path.write_text(
        f'{head}<robot name="thing"><link name="base">{inertia}<visual>{shape}</visual>'
        f"<collision>{shape}</collision></link>{more}</robot>"
    )
    return path
