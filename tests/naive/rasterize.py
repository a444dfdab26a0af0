"""Visibility by casting a ray through every pixel centre at every triangle, in float64."""

from __future__ import annotations

import numpy as np

from .lens import pixel_rays

SPREAD = 1.0 / 256.0
"""How far [px] a pixel centre is moved to see whether it lies near an edge."""


def gather_triangles(library, snapshot, camera):
    """Corners of all full-detail triangles in the camera's frame (T, 3, 3), and the instance row of each."""
    corners, owner = [], []
    world_camera = np.linalg.inv(camera.pose_world_camera)
    for row in range(snapshot.instance_count):
        level = library.level(int(snapshot.mesh[row]))
        points = level.vertices.astype(float) * snapshot.scale[row].astype(float)
        matrix = world_camera @ snapshot.pose_world_instance[row]
        points = points @ matrix[:3, :3].T + matrix[:3, 3]
        corners.append(points[level.triangles])
        owner.append(np.full(len(level.triangles), row))
    return np.concatenate(corners), np.concatenate(owner)


def _nearest(corners, owner, rays, near, far):
    """Depth along the ray (in its lengths), triangle of the nearest hit (-1 = none), depth of the next other owner."""
    a = corners[:, 0]
    ab, ac = corners[:, 1] - a, corners[:, 2] - a
    normal = np.cross(ab, ac)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Möller and Trumbore 1997, from the origin; every ray (row) against every triangle (column).
        along = rays @ normal.T
        depth = (a * normal).sum(1) / along
        side = np.cross(rays[:, None, :], -a)
        u = (side * ac).sum(-1) / along
        v = -(side * ab).sum(-1) / along
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (depth >= near) & (depth <= far) & np.isfinite(depth)
    depth = np.where(hit, depth, np.inf)
    triangle = np.argmin(depth, axis=1)
    best = depth[np.arange(len(rays)), triangle]
    others = np.where(owner == owner[triangle][:, None], np.inf, depth).min(axis=1)
    return best, np.where(np.isfinite(best), triangle, -1), others


def cast(library, snapshot, camera, spread=SPREAD):
    """What each pixel centre sees.

    Returns:
        depth, range, instance, class_id, part, normal, object_coordinates as in Frames (one view, float64), and
        `sure`: moving the pixel centre by `spread` px changes no instance; `sure_triangle`: nor the triangle.
    """
    corners, owner = gather_triangles(library, snapshot, camera)
    v, u = np.mgrid[: camera.height, : camera.width].astype(float)

    def shoot(dx, dy):
        ray = pixel_rays(camera, u + dx, v + dy)
        rays = ray.reshape(-1, 3)
        found = [_nearest(corners, owner, rays[k : k + 512], camera.near, camera.far) for k in range(0, len(rays), 512)]
        return ray, *(np.concatenate(parts).reshape(u.shape) for parts in zip(*found, strict=True))

    ray, depth, triangle, other = shoot(0.0, 0.0)
    hit = triangle >= 0
    row = np.where(hit, owner[triangle], -1)
    sure = ~(np.isfinite(other) & (other < depth * (1 + 1e-5)))
    sure_triangle = sure.copy()
    for k in range(8):
        angle = np.pi / 4 * k
        _, _, moved, _ = shoot(spread * np.cos(angle), spread * np.sin(angle))
        sure &= np.where(moved >= 0, owner[moved], -1) == row
        sure_triangle &= moved == triangle
    sure_triangle &= sure
    depth = np.where(hit, depth, 0.0)
    a, b, c = (corners[triangle][..., k, :] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normal *= -np.sign((normal * ray).sum(-1, keepdims=True))
    coordinates = np.zeros((*u.shape, 3))
    camera_world = camera.pose_world_camera
    for k in range(snapshot.instance_count):
        matrix = snapshot.pose_instance_part[k] @ np.linalg.inv(snapshot.pose_world_instance[k]) @ camera_world
        mine = row == k
        coordinates[mine] = (ray * depth[..., None])[mine] @ matrix[:3, :3].T + matrix[:3, 3]
    return {
        "depth": depth * ray[..., 2],
        "range": depth * np.linalg.norm(ray, axis=-1),
        "instance": np.where(hit, snapshot.instance[row], 0),
        "class_id": np.where(hit, snapshot.class_id[row], 0),
        "part": np.where(hit, snapshot.part[row], 0),
        "normal": np.where(hit[..., None], normal, 0.0),
        "object_coordinates": coordinates,
        "sure": sure,
        "sure_triangle": sure_triangle,
    }
