"""How far two renderers agree: instance ids, depth and silhouettes of the same views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def neighbourhood(images: np.ndarray):
    """The nine images shifted by up to a pixel, edges repeated, shape (V, H, W) each."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    height, width = images.shape[1:]
    for y in range(3):
        for x in range(3):
            yield padded[:, y : y + height, x : x + width]


def off_silhouettes(instance: np.ndarray, depth: np.ndarray, step: float = 0.02) -> np.ndarray:
    """Pixels whose eight neighbours have their id and no step in depth [m]: no silhouette passes there."""
    off = np.ones(instance.shape, bool)
    for other in neighbourhood(instance):
        off &= other == instance
    for other in neighbourhood(depth):
        off &= np.abs(other - depth) < step
    off[:, [0, -1]] = False
    off[:, :, [0, -1]] = False
    return off


def found_nearby(instance: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pixels whose id the other image has within a pixel."""
    found = np.zeros(instance.shape, bool)
    for shifted in neighbourhood(other):
        found |= shifted == instance
    return found


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Counts over the pixels of objects (id > 0 in either image)."""

    pixels: int
    """Pixels of objects."""
    different: int
    """Of these, with other ids, silhouettes included."""
    inner: int
    """Pixels of objects that no silhouette of either image passes."""
    inner_different: int
    """Of these, with other ids."""
    inner_deep: int
    """Of these, with the same id and a depth that differs by more than a millimetre and a thousandth."""
    misplaced: int
    """Pixels of objects whose id the other image does not have within a pixel: silhouettes farther apart than that."""
    away: float
    """Median depth of inner pixels [m]."""
    depth_median: float
    """Of the difference in depth of inner pixels with the same id [m]."""
    depth_p999: float
    """Its 99.9 % quantile [m]."""
    depth_most: float
    """Its largest value [m]."""

    def __str__(self) -> str:
        inner = f"{self.inner_different} of {self.inner} off silhouettes"
        off = f"{1e6 * self.depth_median:.2g}, 99.9 % {1e6 * self.depth_p999:.3g}, most {1e6 * self.depth_most:.3g}"
        return (
            f"{self.pixels} px: {self.different} other ids ({inner}), {self.inner_deep} deeper, "
            f"{self.misplaced} misplaced; at {self.away:.2f} m depth off by {off} um"
        )


def compare(ours, theirs) -> Agreement:
    """Compare views.

    Args:
        ours: Instance ids and depth [m], shape (V, H, W) each.
        theirs: The same of the other renderer.
    """
    (instance, depth), (other, other_depth) = ours, theirs
    body = (instance > 0) | (other > 0)
    inner = off_silhouettes(instance, depth) & off_silhouettes(other, other_depth) & body
    same = instance == other
    off = np.abs(depth.astype(float) - other_depth)[inner & same]
    deep = off > np.maximum(1e-3, 1e-3 * other_depth[inner & same])
    nearby = found_nearby(instance, other) & found_nearby(other, instance)
    median, p999, most = np.quantile(off, [0.5, 0.999, 1.0])
    return Agreement(
        pixels=int(body.sum()),
        different=int((body & ~same).sum()),
        inner=int(inner.sum()),
        inner_different=int((inner & ~same).sum()),
        inner_deep=int(deep.sum()),
        misplaced=int((body & ~nearby).sum()),
        away=float(np.median(depth[inner])),
        depth_median=float(median),
        depth_p999=float(p999),
        depth_most=float(most),
    )
