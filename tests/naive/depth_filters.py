"""The filters of a depth image, pixel by pixel, in double precision."""

from __future__ import annotations

from collections import Counter

import numpy as np


def limit(depth, status, low, high) -> tuple[np.ndarray, np.ndarray]:
    """Take out what is outside the limits."""
    status = np.where((status == 0) & ~((depth >= low) & (depth <= high)), 10, status)
    return np.where(status == 0, depth, 0.0), status


def decimate(depth, status, size) -> tuple[np.ndarray, np.ndarray]:
    """Median (size to 3) or mean of each block's valid pixels, or the commonest reason."""
    height, width = depth.shape[0] // size, depth.shape[1] // size
    out, why = np.zeros((height, width)), np.zeros((height, width), int)
    for y in range(height):
        for x in range(width):
            block = np.s_[y * size : (y + 1) * size, x * size : (x + 1) * size]
            valid = sorted(depth[block][status[block] == 0])
            if valid:
                out[y, x] = valid[(len(valid) - 1) // 2] if size <= 3 else np.mean(valid)
            else:
                counts = Counter(status[block].ravel().tolist())
                why[y, x] = min(counts, key=lambda reason: (-counts[reason], reason))
    return out, why


def smooth_1d(values, alpha, delta, fill, filled) -> None:
    """One direction of the recursive filter, in place."""
    before, run = 0.0, 0
    for k, value in enumerate(values):
        if value > 0:
            before = before + alpha * (value - before) if before > 0 and abs(value - before) <= delta else value
            values[k], run = before, 0
        elif before > 0 and run < fill:
            values[k], filled[k], run = before, 1, run + 1
        else:
            before = 0.0


def smooth(value, filled, iterations, alpha, delta, fill) -> None:
    """Lines to the right and back, columns down and up, so many times."""
    for iteration in range(iterations):
        for y in range(value.shape[0]):
            for way in (1, -1):
                smooth_1d(value[y, ::way], alpha, delta, fill if iteration == 0 else 0, filled[y, ::way])
        for x in range(value.shape[1]):
            for way in (1, -1):
                smooth_1d(value[::way, x], alpha, delta, 0, filled[::way, x])


def remember(value, filled, mean, past, alpha, delta, persistence) -> None:
    """Smooth over time, in place; `past` holds, for each pixel, a list of validities, the latest first."""
    for y, x in np.ndindex(value.shape):
        seen = value[y, x] > 0
        if seen:
            old = mean[y, x]
            joined = old > 0 and abs(value[y, x] - old) <= delta
            mean[y, x] = value[y, x] = old + alpha * (value[y, x] - old) if joined else value[y, x]
        elif persistence and mean[y, x] > 0 and sum(past[y, x][: persistence[1]]) >= persistence[0]:
            value[y, x], filled[y, x] = mean[y, x], 1
        past[y, x] = [seen, *past[y, x]][:8]
        if not any(past[y, x]) and not (persistence and persistence[0] == 0):
            mean[y, x] = 0.0


def fill_holes(depth, status, filled, which) -> tuple[np.ndarray, np.ndarray]:
    """From the last value to the left, or the farthest or nearest of four neighbours."""
    out, why = depth.copy(), status.copy()
    for y, x in np.argwhere(status != 0):
        if which == "left":
            found = [depth[y, i] for i in range(x) if status[y, i] == 0][-1:]
        else:
            beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            found = [
                depth[j, i]
                for j, i in beside
                if 0 <= j < depth.shape[0] and 0 <= i < depth.shape[1] and status[j, i] == 0
            ]
        if found and which != "none":
            out[y, x], why[y, x], filled[y, x] = (min if which == "nearest" else max)(found), 0, 1
    return out, why


def filter_frames(frames, statuses, filters, focal_baseline) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Depth, status and what was made up, of each frame of one image."""
    mean = past = None
    results = []
    for depth, status in zip(frames, statuses, strict=True):
        depth, status = limit(depth.astype(float), status.astype(int), filters.depth_min, filters.depth_max)
        if filters.decimation > 1:
            depth, status = decimate(depth, status, filters.decimation)
        filled = np.zeros(depth.shape, int)
        value = np.where(status == 0, focal_baseline / np.where(status == 0, depth, 1.0), 0.0)
        smooth(
            value, filled, filters.spatial_iterations, filters.spatial_alpha, filters.spatial_delta,
            filters.spatial_fill,
        )  # fmt: skip
        if mean is None:
            mean, past = np.zeros(depth.shape), np.empty(depth.shape, object)
            for k in np.ndindex(depth.shape):
                past[k] = []
        remember(
            value, filled, mean, past, filters.temporal_alpha, filters.temporal_delta, filters.temporal_persistence
        )
        depth = np.where(value > 0, focal_baseline / np.where(value > 0, value, 1.0), 0.0)
        status = np.where(value > 0, 0, status)
        depth, status = fill_holes(depth, status, filled, filters.hole_filling)
        results.append((depth, status, filled))
    return results
