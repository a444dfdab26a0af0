"""Structured-light depth as a user would write it in NumPy: jitter, disparity, a 9x9 window of dots, noise and steps.

The chain of simkinect's description, on whole arrays: there is no loop over pixels. Its shadows are of points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BASELINE = 0.075
STEP = 0.125
RADIUS = 4
FILL = 3
TOLERANCE = 0.1
SHARE = 1.0 / 1.2
DENSITY = 1.0 / 9.0


def measure(
    depth: NDArray[Any], focal: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Measure depth images.

    Args:
        depth: True depth [m], 0 = nothing, shape (N, H, W).
        focal: Focal length [px].
        rng: Source of the noise.

    Returns:
        Depth [m], 0 = no return, and whether there is one, shape (N, H, W).
    """
    measured = np.stack([_measure_image(image, focal, rng) for image in depth])
    return measured, measured > 0


def _measure_image(depth: NDArray[Any], focal: float, rng: np.random.Generator) -> NDArray[np.float32]:
    product = np.float32(focal * BASELINE)
    with np.errstate(divide="ignore", invalid="ignore"):
        truth, disparity = product / depth, product / _jitter(depth, rng)
    truth[depth <= 0] = 0.0
    lit = _find_lit(truth)
    disparity[~(lit & np.isfinite(disparity))] = 0.0
    dots = np.random.default_rng(0).random(depth.shape, np.float32) < DENSITY
    votes, matched = _match(disparity, dots)
    filled = _fill(votes, dots & matched)
    result = np.where(matched & (disparity > 0), disparity, filled)
    noisy = result + np.float32(1.0 / 36.0) * rng.standard_normal(depth.shape, np.float32)
    steps = np.round(noisy / STEP) * np.float32(STEP)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = product / steps
    measured[(result <= 0) | (steps <= 0)] = 0.0
    return measured.astype(np.float32)


def _find_lit(disparity: NDArray[Any]) -> NDArray[np.bool_]:
    # A z-test in the projector's view.
    height, width = disparity.shape
    landing = np.rint(np.arange(width, dtype=np.float32) - disparity).astype(np.int32)
    inside = (disparity > 0) & (landing >= 0)
    place = landing + width * np.arange(height, dtype=np.int32)[:, None]
    nearest = np.zeros(height * width, np.float32)
    np.maximum.at(nearest, place[inside], disparity[inside])
    lit = np.zeros((height, width), np.bool_)
    lit[inside] = nearest[place[inside]] <= disparity[inside] + 1.0
    return lit


def _jitter(depth: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = depth.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x += np.float32(0.5) * rng.standard_normal(depth.shape, np.float32)
    y += np.float32(0.5) * rng.standard_normal(depth.shape, np.float32)
    np.clip(x, 0, width - 1, out=x)
    np.clip(y, 0, height - 1, out=y)
    left, upper = np.minimum(x.astype(np.int32), width - 2), np.minimum(y.astype(np.int32), height - 2)
    u, v = x - left, y - upper
    top = depth[upper, left] * (1 - u) + depth[upper, left + 1] * u
    bottom = depth[upper + 1, left] * (1 - u) + depth[upper + 1, left + 1] * u
    return np.asarray(top * (1 - v) + bottom * v)


def _match(disparity: NDArray[Any], dots: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    height, width = disparity.shape
    votes = np.where(dots, disparity, 0).astype(np.float32)
    padded = np.pad(votes, RADIUS)
    seen, all_dots = _add_up((padded > 0).astype(np.float32)), _add_up(np.pad(dots, RADIUS).astype(np.float32))
    mean = _add_up(padded) / np.maximum(seen, 1)
    agreeing = np.zeros((height, width), np.float32)
    for j in range(-RADIUS, RADIUS + 1):
        for i in range(-RADIUS, RADIUS + 1):
            there = padded[RADIUS + j : RADIUS + j + height, RADIUS + i : RADIUS + i + width]
            agreeing += (there > 0) & (np.abs(there - mean) < TOLERANCE * (1 + i * i + j * j))
    return votes, agreeing >= SHARE * np.maximum(all_dots, 1)


def _add_up(padded: NDArray[Any]) -> NDArray[np.float32]:
    # Sums over the window: columns, then lines.
    height, width = padded.shape[0] - 2 * RADIUS, padded.shape[1] - 2 * RADIUS
    across = sum(padded[:, i : i + width] for i in range(2 * RADIUS + 1))
    return np.asarray(sum(across[j : j + height] for j in range(2 * RADIUS + 1)))


def _fill(votes: NDArray[Any], good: NDArray[Any]) -> NDArray[np.float32]:
    height, width = votes.shape
    total, weights = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    value, present = np.pad(votes * good, FILL), np.pad(good & (votes > 0), FILL)
    for j in range(-FILL, FILL + 1):
        for i in range(-FILL, FILL + 1):
            if i * i + j * j <= FILL * FILL:
                weight = np.float32(1.0 / (1 + i * i + j * j))
                rows, columns = slice(FILL + j, FILL + j + height), slice(FILL + i, FILL + i + width)
                total += weight * value[rows, columns]
                weights += weight * present[rows, columns]
    return np.divide(total, weights, out=np.zeros_like(total), where=weights > 0)
