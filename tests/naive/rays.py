"""Ray casting by trying every triangle, in the world frame, in float64 (Möller and Trumbore 1997)."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from simloom.renderers import RayHits
from simloom.renderers import rays as rays_module

CHUNK = 256
"""Rays tried at once."""
NAMES = tuple(field.name for field in fields(RayHits))
"""The arrays of a result."""


def poison_hits(monkeypatch):
    """Let every result start as NaN and nonsense."""
    allocate = rays_module._allocate

    def poison(rays):
        hits = allocate(rays)
        for name in NAMES:
            array = getattr(hits, name)
            array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)
        return hits

    monkeypatch.setattr(rays_module, "_allocate", poison)


def random_rays(generator, count, reach=1.5):
    """Rays from about the origin and beyond towards it, of any length."""
    origins = generator.normal(size=(count, 3)) * reach
    directions = generator.normal(size=(count, 3)) * 0.4 - origins
    return origins, directions * generator.uniform(1e-3, 1e3, (count, 1))


def gather_triangles(library, snapshot):
    """World corners of all full-detail triangles (T, 3, 3), the instance row of each, and its row in its mesh."""
    corners, owner, local = [np.empty((0, 3, 3))], [np.empty(0, int)], [np.empty(0, int)]
    for row in range(snapshot.instance_count):
        level = library.level(int(snapshot.mesh[row]))
        points = level.vertices.astype(float) * snapshot.scale[row].astype(float)
        pose = snapshot.pose_world_instance[row]
        corners.append((points @ pose[:3, :3].T + pose[:3, 3])[level.triangles])
        owner.append(np.full(len(level.triangles), row))
        local.append(np.arange(len(level.triangles)))
    return np.concatenate(corners), np.concatenate(owner), np.concatenate(local)


def cast(library, snapshot, origins, directions, near=0.0, far=100.0):
    """What each ray meets first.

    Returns:
        The fields of RayHits, in float64, and `sure`: no other surface within 1e-7 m of the one that was met.
    """
    origins, directions = np.asarray(origins, float), np.asarray(directions, float)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    corners, owner, local = gather_triangles(library, snapshot)
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    face = np.cross(ab, ac)
    parts = []
    for first in range(0, len(origins), CHUNK):
        o, d = origins[first : first + CHUNK, None], directions[first : first + CHUNK, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (d * face).sum(-1)
            t = ((a - o) * face).sum(-1) / slope
            side = np.cross(d, a - o)
            v, w = -(side * ac).sum(-1) / slope, (side * ab).sum(-1) / slope
            t = np.where((v >= 0) & (w >= 0) & (v + w <= 1) & (t > 0) & (t >= near) & (t <= far), t, np.inf)
        k = np.argmin(t, axis=1) if len(corners) else np.zeros(len(o), int)
        rays = np.arange(len(o))
        best = t[rays, k] if len(corners) else np.full(len(o), np.inf)
        sure = (t < best[:, None] + 1e-7).sum(1) == 1
        parts.append((k, best, v[rays, k], w[rays, k], sure) if len(corners) else (k, best, best, best, sure))
    k, t, v, w, sure = (np.concatenate(column) for column in zip(*parts, strict=True))
    hit = np.isfinite(t)
    if not len(corners):
        owner = local = np.zeros(1, int)
        face = np.ones((1, 3))
    row = np.where(hit, owner[k], -1)
    normal = face[k] / np.linalg.norm(face[k], axis=1, keepdims=True)
    along = (normal * directions).sum(1)

    def pick(values, nothing):
        return np.where(hit, values[row] if len(values) else nothing, nothing)

    return {
        "range": np.where(hit, t, 0.0),
        "instance": pick(snapshot.instance, 0),
        "class_id": pick(snapshot.class_id, 0),
        "part": pick(snapshot.part, 0),
        "material": pick(snapshot.material, -1),
        "incidence": np.where(hit, np.abs(along), 0.0),
        "normal": np.where(hit[:, None], -normal * np.sign(along)[:, None], 0.0),
        "row": row,
        "triangle": np.where(hit, local[k], -1),
        "barycentric": np.where(hit[:, None], np.stack([v, w], axis=1), 0.0),
        "sure": sure | ~hit,
    }
