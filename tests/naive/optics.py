"""Optics in float64, pixel by pixel: scattering as gathering, bilinear magnification, the Airy pattern by SciPy."""

from __future__ import annotations

import numpy as np


def blur(
    depth: np.ndarray, focal_length: float, f_number: float, focus: float, pitch: float, most: float
) -> np.ndarray:
    """Return the signed diameters of an image's discs [px]."""
    scale = focal_length**2 / (f_number * (focus - focal_length)) / pitch
    far = np.isfinite(depth) & (depth > 0)
    diameter = scale * (1 - focus / np.where(far, depth, np.inf))
    return np.clip(diameter, -2 * most, 2 * most)


def disc(radius: float, reach: int) -> np.ndarray:
    """Return the weights of a disc, shape (2 reach + 1, 2 reach + 1), not normalised."""
    side = np.arange(-reach, reach + 1)
    return np.clip(radius + 0.5 - np.hypot(side[:, None], side[None, :]), 0, 1)


def gather(image: np.ndarray, diameter: np.ndarray, reach: int) -> np.ndarray:
    """Gather each pixel's neighbours, looking `reach` pixels far; image of shape (H, W, 3)."""
    height, width, _ = image.shape
    y, x = np.mgrid[0:height, 0:width]
    gain = np.vectorize(lambda value: 1 / disc(abs(value) / 2, reach + 1).sum())(diameter)
    out = np.empty_like(image, dtype=float)
    for v in range(height):
        for u in range(width):
            near = np.s_[max(v - reach, 0) : v + reach + 1, max(u - reach, 0) : u + reach + 1]
            distance, there = np.hypot(x[near] - u, y[near] - v), diameter[near]
            share = np.clip(diameter[v, u] - there - 1, 0, 1)
            over = share * np.clip(abs(there) / 2 + 0.5 - distance, 0, 1) * gain[near]
            under = (1 - share) * np.clip(abs(diameter[v, u]) / 2 + 0.5 - distance, 0, 1)
            front, below = ((w[..., None] * image[near]).sum(axis=(0, 1)) for w in (over, under))
            cover = over.sum()
            out[v, u] = front / max(cover, 1) + (1 - min(cover, 1)) * below / under.sum()
    return out


def magnify(image: np.ndarray, factor: float, center: tuple[float, float]) -> np.ndarray:
    """Magnify a channel about a point, bilinearly, with its last pixels beyond its edges."""
    height, width = image.shape
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            u = min(max(center[0] + (x - center[0]) / factor, 0), width - 1)
            v = min(max(center[1] + (y - center[1]) / factor, 0), height - 1)
            x0, y0 = int(u), int(v)
            x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
            top = image[y0, x0] * (1 - u + x0) + image[y0, x1] * (u - x0)
            bottom = image[y1, x0] * (1 - u + x0) + image[y1, x1] * (u - x0)
            out[y, x] = top * (1 - v + y0) + bottom * (v - y0)
    return out


def airy(scale: float, reach: int, points: int = 60) -> np.ndarray:
    """Integrate the Airy pattern over pixels by Gauss-Legendre, normalised to one within the reach."""
    from scipy.special import j1

    nodes, weights = np.polynomial.legendre.leggauss(points)
    places = np.arange(-reach, reach + 1)
    grid = places[:, None] + nodes[None, :] / 2
    x = np.pi / scale * np.sqrt(grid[:, None, :, None] ** 2 + grid[None, :, None, :] ** 2)
    intensity = np.where(x > 0, 2 * j1(x) / np.where(x > 0, x, 1), 1.0) ** 2
    shares = (intensity * weights[:, None] * weights[None, :]).sum(axis=(2, 3))
    return shares / shares.sum()
