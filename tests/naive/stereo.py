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


def texture(image: np.ndarray, window: int) -> np.ndarray:
    """Mean squared gradient over squared mean brightness, over a window that ends at the border."""
    clean = np.where(np.isfinite(image) & (image > 0), image, 0.0).astype(float)
    padded = np.pad(clean, 1, mode="edge")
    energy = ((padded[1:-1, 2:] - padded[1:-1, :-2]) / 2) ** 2 + ((padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2) ** 2
    out = np.zeros(clean.shape)
    radius = window // 2
    for y in range(clean.shape[0]):
        for x in range(clean.shape[1]):
            part = (slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1))
            mean = clean[part].mean()
            out[y, x] = energy[part].mean() / mean**2 if mean > 0 else 0.0
    return out


def match_share(z, profile, cosine=1.0, infrared=0.5, square_texture=0.0) -> tuple[float, bool]:
    """Share of pixels that find their match, and whether they are saturated."""
    own = profile.projector_signal * max(infrared, 0) * max(cosine, 0) / z**2
    around = profile.ambient_signal * max(infrared, 0)
    contrast = math.sqrt(own**2 + around**2 * square_texture)
    noise = math.sqrt(profile.signal_noise**2 + (own + around) / profile.full_well)
    share = (contrast / noise - profile.match_none) / (profile.match_full - profile.match_none)
    return min(max(share, 0.0), 1.0), own + around >= 1.0


def fatten(line: np.ndarray, focal_baseline: float, radius: int, reach: float) -> list[float]:
    """Disparity of each pixel of a line, 0 without a surface, after nearer neighbours have spread."""
    disparity = [focal_baseline / float(z) if _present(z) else 0.0 for z in line]
    out = []
    for x, d in enumerate(disparity):
        nearest = max(disparity[max(x - radius, 0) : x + radius + 1])
        out.append(nearest if d > 0 and nearest > d + reach else d)
    return out


def measure(
    depth, profile, fx, seed, index, sensor, cosine=None, infrared=None, intensity=None
) -> tuple[np.ndarray, np.ndarray]:
    """Depth and status of every pixel."""
    z_out = np.full(depth.shape, np.nan)
    status = np.full(depth.shape, 255, np.uint8)
    count, height, width = depth.shape

    def share(value, none, full):
        return min(max((value - none) / (full - none), 0.0), 1.0)

    for n in range(count):
        fb = fx[n] * profile.baseline
        rough = np.zeros((height, width)) if intensity is None else texture(intensity[n], profile.match_window)
        for y in range(height):
            hidden = occluded(depth[n, y], fb, profile.occlusion_step)
            seen = fatten(depth[n, y], fb, profile.edge_fattening, profile.occlusion_step)
            for x in range(width):
                z = float(depth[n, y, x])
                s, value = 0, 0.0
                kept, matched, bright = 1.0, 1.0, False
                facing = 1.0 if cosine is None else float(cosine[n, y, x])
                reflectance = 0.5 if infrared is None else float(infrared[n, y, x])
                if cosine is not None:
                    kept *= share(facing, profile.cosine_none, profile.cosine_full)
                if infrared is not None:
                    kept *= share(reflectance, profile.infrared_none, profile.infrared_full)
                if seen[x] > 0 and (infrared is not None or intensity is not None):
                    matched, bright = match_share(fb / seen[x], profile, facing, reflectance, rough[y, x])
                u = [(w + 0.5) / 2**32 for w in block(seed, "depth", y * width + x, int(index[n]), sensor, 1)]
                steps = int(profile.disparity_max / profile.disparity_step)
                if not _present(z):
                    s = 1
                elif seen[x] > profile.disparity_max:
                    s = 2
                elif z > profile.range_max:
                    s = 3
                elif seen[x] > x:
                    s = 6
                elif hidden[x] and seen[x] == fb / z:
                    s = 4
                elif bright:
                    s = 8
                elif u[0] >= kept:
                    s = 5
                elif u[1] >= matched:
                    s = 7
                else:
                    noise = grid_noise(seed, int(index[n]), sensor, y, x, profile.noise_cell)
                    number = math.floor((seen[x] + profile.disparity_noise * noise) / profile.disparity_step + 0.5)
                    if matched < 1 and u[2] < profile.outlier_share:
                        number = 1 + math.floor(u[3] * steps)
                    d = number * profile.disparity_step
                    if d <= 0 or fb / d > profile.range_max:
                        s = 3
                    elif d > profile.disparity_max:
                        s = 2
                    else:
                        value = fb / d
                z_out[n, y, x], status[n, y, x] = value, s
    return z_out, status
