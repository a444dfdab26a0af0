"""Random triangle meshes around a point, from which every ray meets exactly one triangle."""

from __future__ import annotations

import numpy as np

from simloom.renderers import MeshLibraryBuilder

from .still_life import Thing, still_life

JITTER = 0.24
"""Of the corners [cells]; below 0.25 no triangle can turn over."""
GROUPS = 48
"""Sets of triangles that share no corner within a set."""


def star_mesh(
    cells: int, generator: np.random.Generator, nearest: float = 1.0, farthest: float = 1.0, *, step: float = 0.0
):
    """A cube of `cells` x `cells` jittered cells a face, every corner moved along its ray to a random distance.

    Moving corners along their rays from the origin moves no triangle in the picture of a camera there: whatever the
    distances, all directions are covered, and each once. A `step` rounds the corners' jitter to its multiples [cells].

    Returns:
        float32 corners, 12 cells^2 triangles wound outwards, and the group of each triangle.
    """
    i, j = (axis.reshape(-1) for axis in np.mgrid[:cells, :cells])
    lattice, groups = [], []
    for face in range(6):
        axis, side = divmod(face, 2)

        def corner(u, v, axis=axis, side=side):
            place = np.full((len(u), 3), side * cells)
            place[:, (axis + 1) % 3], place[:, (axis + 2) % 3] = u, v
            return place

        square = np.stack([corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)], axis=1)
        if side == 0:
            square = square[:, ::-1]
        turned = generator.random(len(i)) < 0.5  # along which diagonal a cell is cut
        square[turned] = np.roll(square[turned], 1, axis=1)
        for half, rows in enumerate(([0, 1, 2], [0, 2, 3])):
            lattice.append(square[:, rows])
            groups.append(8 * face + 4 * (i % 2) + 2 * (j % 2) + half)
    places, triangles = np.unique(np.concatenate(lattice).reshape(-1, 3), axis=0, return_inverse=True)
    inner = (places > 0) & (places < cells)
    jitter = generator.uniform(-JITTER, JITTER, places.shape)
    if step > 0:
        jitter = np.round(jitter / step) * step
    points = 2.0 * (places + inner * jitter) / cells - 1.0
    away = np.exp(generator.uniform(np.log(nearest), np.log(farthest), len(points)))
    points *= (away / np.linalg.norm(points, axis=1))[:, None]
    return points.astype(np.float32), triangles.reshape(-1, 3), np.concatenate(groups)


def star_scene(points, triangles, groups, *, at=None, scale: float = 1.0):
    """The library and snapshot of a mesh whose groups are instances 1 to 48: none closed, all drawn from both sides."""
    builder = MeshLibraryBuilder()
    things = []
    for group in np.unique(groups).tolist():
        used, rows = np.unique(triangles[groups == group], return_inverse=True)
        mesh = builder.add_mesh(f"group {group}", points[used], rows.reshape(-1, 3), levels=False)
        pose = np.eye(4) if at is None else at
        things.append(Thing(mesh=mesh, at=pose, scale=(scale,) * 3, instance=group + 1, metallic=1.0, color=(0, 0, 0)))
    return builder.build(), still_life(*things)
