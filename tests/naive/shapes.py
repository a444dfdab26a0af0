"""Closed forms of simple shapes in a pinhole camera, in float64: rays, outlines, areas."""

from __future__ import annotations

import numpy as np


def pixel_rays(view) -> np.ndarray:
    """The ray of every pixel centre with z = 1, shape (H, W, 3)."""
    v, u = np.mgrid[: view.height, : view.width].astype(float)
    return np.stack([(u - view.cx) / view.fx, (v - view.cy) / view.fy, np.ones_like(u)], -1)


def sphere_area(centre, radius: float, view) -> float:
    """Area [px] of the outline of a sphere in front of the camera, an ellipse.

    The cone of tangents is p'Ap = 0 with A = cos^2 I - cc', c the direction of the centre; a conic of matrix A has area
    pi |det A| / det(A33)^(3/2), A33 its upper left 2x2 block.
    """
    away = np.linalg.norm(centre)
    cosine = 1 - (radius / away) ** 2
    matrix = cosine * np.eye(3) - np.outer(centre, centre) / away**2
    block = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] ** 2
    return float(np.pi * abs(np.linalg.det(matrix)) / block**1.5 * view.fx * view.fy)


def sphere_depth(centre, radius: float, rays: np.ndarray) -> np.ndarray:
    """Depth of the near intersection of rays with z = 1, NaN where they miss."""
    along, length = (rays * centre).sum(-1), (rays * rays).sum(-1)
    root = along**2 - length * (np.dot(centre, centre) - radius**2)
    with np.errstate(invalid="ignore"):
        return (along - np.sqrt(root)) / length


def box_hit(at: np.ndarray, half: np.ndarray, rays: np.ndarray):
    """Depth and outward normal of the near intersection with a box, by slabs; NaN where rays with z = 1 miss."""
    rotation, centre = at[:3, :3], at[:3, 3]
    eye, local = -rotation.T @ centre, rays @ rotation
    near, far = ((sign * np.sign(local) * half - eye) / local for sign in (-1, 1))
    axis = near.argmax(axis=-1)
    enter = near.max(axis=-1)
    normal = -np.sign(np.take_along_axis(local, axis[..., None], -1)) * rotation.T[axis]
    hit = (enter < far.min(axis=-1)) & (enter > 0)
    return np.where(hit, enter, np.nan), np.where(hit[..., None], normal, np.nan)


def convex_outline(points: np.ndarray) -> tuple[float, float]:
    """Area and perimeter of the convex hull of points in the plane, shape (N, 2)."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    return float(hull.volume), float(hull.area)


def lattice_deviation(perimeter: float, samples: int = 1) -> float:
    """Deviation of the area [px] that a grid of samples x samples points a pixel gives a convex outline at random.

    The variance of the number of lattice points in a shape at a random place and turn is its perimeter times
    sum |k|^-3 / 4 pi^3 over all k != 0 (Kendall, "On the number of lattice points inside a random oval", 1948).
    """
    return float(np.sqrt(9.03362 / (4 * np.pi**3) * perimeter * samples)) / samples**2


def _cut(polygon: np.ndarray, axis: int, bound: float, sign: float) -> np.ndarray:
    kept = []
    for p, q in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        dp, dq = sign * (p[axis] - bound), sign * (q[axis] - bound)
        if dp >= 0:
            kept.append(p)
        if (dp >= 0) != (dq >= 0):
            kept.append(p + (q - p) * dp / (dp - dq))
    return np.array(kept)


def pixel_coverage(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """Share of every pixel that lies within a convex polygon [px], by clipping (Sutherland and Hodgman 1974)."""
    share = np.zeros((height, width))
    for y in range(height):
        row = polygon
        for bound, sign in ((y - 0.5, 1.0), (y + 0.5, -1.0)):
            row = _cut(row, 1, bound, sign) if len(row) else row
        if not len(row):
            continue
        left, right = row[:, 0].min(), row[:, 0].max()
        for x in range(max(int(left), 0), min(int(right) + 2, width)):
            cell = row
            for bound, sign in ((x - 0.5, 1.0), (x + 0.5, -1.0)):
                cell = _cut(cell, 0, bound, sign) if len(cell) else cell
            if len(cell) > 2:
                u, v = cell.T
                share[y, x] = 0.5 * abs((u * np.roll(v, -1) - v * np.roll(u, -1)).sum())
    return share
