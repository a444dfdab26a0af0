"""Bundles of sub-rays that meet simple things, in closed form."""

from __future__ import annotations

import numpy as np


def meet_wall(direction: np.ndarray, distance: float, tilt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return ranges and cosines of rays that meet a wall, `distance` away on the axis and turned by `tilt`."""
    inward = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    cosine = np.clip(direction @ inward, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        there = np.where(cosine > 1e-3, distance * np.cos(tilt) / cosine, 0.0)
    return there.astype(np.float32), cosine.astype(np.float32)


def meet_disc(direction: np.ndarray, distance: float, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ranges and cosines of rays that meet a facing patch within `angle` of the axis, all at one distance."""
    hit = np.arccos(np.clip(direction[:, 0], -1, 1)) <= angle
    return np.where(hit, distance, 0.0).astype(np.float32), np.ones(len(direction), np.float32)
