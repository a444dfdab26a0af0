"""Active stereo pixel by pixel, by intervals and brute force."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from .philox import block


def _present(z: float) -> bool:
    return bool(np.isfinite(z) and z > 0)


def grid_noise(seed, row, sensor, y, x, cell) -> float:
    """Noise of unit variance: bilinear between nodes every `cell` pixels, over the root of the weights' squares."""

    def node(j, i):
        words = block(seed, "depth", (j // 4) << 16 | i, row, sensor, 0)
        return special.ndtri((words[j % 4] + 0.5) / 2**32)

    j, i = y // cell, x // cell
    v, h = y % cell / cell, x % cell / cell
    weights = {(0, 0): (1 - v) * (1 - h), (0, 1): (1 - v) * h, (1, 0): v * (1 - h), (1, 1): v * h}
    total = sum(w * node(j + a, i + b) for (a, b), w in weights.items())
    return total / math.sqrt(sum(w * w for w in weights.values()))


def occluded(line: np.ndarray, focal_baseline: float, reach: float) -> np.ndarray:
    """Whether each pixel of a line is hidden from the second imager, by trying every surface against it."""
    width = len(line)
    disparity = [focal_baseline / float(z) if _present(z) else None for z in line]
    spans = []
    for x, d in enumerate(disparity):
        if d is None:
            continue

        def edge(k, d=d):
            near = disparity[k] if 0 <= k < width else None
            return (d + near) / 2 if near is not None and abs(near - d) <= reach else d

        spans.append((x - 0.5 - edge(x - 1), x + 0.5 - edge(x + 1), d))
    out = np.zeros(width, bool)
    for x, d in enumerate(disparity):
        if d is not None and d <= x:
            seen = math.floor(x - d + 0.5)
            out[x] = any(low <= seen <= high and other > d + reach for low, high, other in spans)
    return out


def measure(depth, profile, fx, seed, index, sensor, cosine=None, infrared=None) -> tuple[np.ndarray, np.ndarray]:
    """Depth and status of every pixel."""
    z_out = np.full(depth.shape, np.nan)
    status = np.full(depth.shape, 255, np.uint8)
    count, height, width = depth.shape

    def share(value, none, full):
        return min(max((value - none) / (full - none), 0.0), 1.0)

    for n in range(count):
        fb = fx[n] * profile.baseline
        for y in range(height):
            hidden = occluded(depth[n, y], fb, profile.occlusion_step)
            for x in range(width):
                z = float(depth[n, y, x])
                s, value = 0, 0.0
                kept = 1.0
                if cosine is not None:
                    kept *= share(float(cosine[n, y, x]), profile.cosine_none, profile.cosine_full)
                if infrared is not None:
                    kept *= share(float(infrared[n, y, x]), profile.infrared_none, profile.infrared_full)
                u = (block(seed, "depth", y * width + x, int(index[n]), sensor, 1)[0] + 0.5) / 2**32
                if not _present(z):
                    s = 1
                elif fb / z > profile.disparity_max:
                    s = 2
                elif z > profile.range_max:
                    s = 3
                elif fb / z > x:
                    s = 6
                elif hidden[x]:
                    s = 4
                elif u >= kept:
                    s = 5
                else:
                    noise = grid_noise(seed, int(index[n]), sensor, y, x, profile.noise_cell)
                    steps = math.floor((fb / z + profile.disparity_noise * noise) / profile.disparity_step + 0.5)
                    d = steps * profile.disparity_step
                    if d <= 0 or fb / d > profile.range_max:
                        s = 3
                    elif d > profile.disparity_max:
                        s = 2
                    else:
                        value = fb / d
                z_out[n, y, x], status[n, y, x] = value, s
    return z_out, status
