"""What a CUDA device may differ by from the CPU, output by output: stated here, counted by benchmark and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Bound:
    """How far two values may lie apart, and what share of them may lie farther."""

    tolerance: float = 0.0
    """Largest difference that counts as none, in the output's own unit."""
    relative: float = 0.0
    """The same as a share of the CPU's value; both are added."""
    share: float = 0.0
    """Share of values that may differ by more [1]."""
    unit: str = ""
    """Unit of the tolerance."""


# Projection is in float64 and snapped to 1/256 px on both sides, so that coverage flips where a product that CUDA fuses
# falls on the other side of a snap. What follows in float32 differs in the last bits, and at edges of shadows,
# textures and patterns by a whole value: shares.
_EDGE = 1e-5
FRAMES: Mapping[str, Bound] = {
    "instance": Bound(share=_EDGE),
    "class_id": Bound(share=_EDGE),
    "part": Bound(share=_EDGE),
    "depth": Bound(relative=2e-6, share=_EDGE, unit="m"),
    "range": Bound(relative=2e-6, share=_EDGE, unit="m"),
    "normal": Bound(tolerance=2e-6, share=1e-4),
    "object_coordinates": Bound(tolerance=2e-5, share=1e-4, unit="m"),
    "albedo": Bound(tolerance=1e-4, share=1e-3),
    "srgb": Bound(tolerance=1.0, share=1e-3, unit="DN"),
    "colour": Bound(tolerance=1e-4, relative=1e-3, share=1e-3, unit="W/(sr m2)"),
    "flow_forward": Bound(tolerance=1e-3, share=1e-4, unit="px"),
    "flow_backward": Bound(tolerance=1e-3, share=1e-4, unit="px"),
    "flow_forward_occlusion": Bound(share=1e-3),
    "flow_backward_occlusion": Bound(share=1e-3),
    "transparent_instance": Bound(share=_EDGE),
    "transparent_depth": Bound(relative=2e-6, share=_EDGE, unit="m"),
    "coverage": Bound(tolerance=1e-6, share=_EDGE),
    "visible_pixels": Bound(tolerance=1.0, share=0.01, unit="px"),
    "in_frame_pixels": Bound(tolerance=1.0, share=0.01, unit="px"),
    "total_pixels": Bound(tolerance=1.0, share=0.01, unit="px"),
    "box_visible": Bound(tolerance=1.0, share=0.01, unit="px"),
    "box_amodal": Bound(tolerance=1.0, share=0.01, unit="px"),
}
"""Of the renderer's outputs; random bits are integers and equal, so that sensors have bounds of their own."""
SENSORS: Mapping[str, Bound] = {
    "rgb": Bound(tolerance=1.0, share=1e-4, unit="DN"),
    "raw": Bound(tolerance=1.0, share=1e-4, unit="DN"),
    "depth": Bound(relative=1e-5, share=1e-3, unit="m"),
    "status": Bound(share=1e-3),
    "count": Bound(share=1e-3),
    "signal": Bound(tolerance=1e-6, relative=1e-5, share=1e-3),
}
"""Of readings: images, depths and their statuses, counts of returns, and signals of every other kind. A deviate that
differs in its last bit moves a value over the edge of a step of the converter or of a disparity: shares."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What was counted of one output."""

    output: str
    values: int
    """Values that were compared."""
    equal: int
    """Values that are the same, bit for bit."""
    beyond: int
    """Values that differ by more than the tolerance."""
    largest: float
    """Largest difference."""
    bound: Bound

    @property
    def holds(self) -> bool:
        """Whether no more values differ than may; one always may, so that a small picture can be compared."""
        return self.beyond <= max(self.bound.share * self.values, 1.0 if self.bound.share else 0.0)

    def __str__(self) -> str:
        state = "ok" if self.holds else "BEYOND"
        near = f"{self.bound.tolerance:g} {self.bound.unit}".rstrip()
        if self.bound.relative:
            near += f" + {self.bound.relative:g} of it"
        return (
            f"{state}: {self.beyond} of {self.values} by more than {near} (at most {self.bound.share:g} of them may), "
            f"{self.values - self.equal} not equal, largest {self.largest:.3g}"
        )


def compare(name: str, ours: Any, theirs: Any, bound: Bound, where: NDArray[np.bool_] | None = None) -> Difference:
    """Count where two arrays of the host differ.

    Args:
        name: The output.
        ours: The CPU's.
        theirs: The device's.
        bound: What may be.
        where: Leading entries that are compared; None for all.
    """
    first, second = np.asarray(ours), np.asarray(theirs)
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ValueError(f"{name}: {first.dtype} {first.shape} and {second.dtype} {second.shape} cannot be compared")
    if where is not None:
        first, second = first[where], second[where]
    equal = (first == second) | (np.isnan(first) & np.isnan(second) if first.dtype.kind == "f" else False)
    wide = first.astype(np.float64)
    off = np.abs(wide - second.astype(np.float64))
    off = np.where(equal, 0.0, np.where(np.isfinite(off), off, np.inf))
    beyond = off > bound.tolerance + bound.relative * np.abs(np.where(np.isfinite(wide), wide, 0.0))
    return Difference(
        output=name, values=first.size, equal=int(np.sum(equal)), beyond=int(beyond.sum()),
        largest=float(off.max(initial=0.0)), bound=bound,
    )  # fmt: skip


def compare_frames(ours: Any, theirs: Any) -> list[Difference]:
    """Count where the frames of two devices differ, all on the host.

    Values of pixels in which other things are seen are compared among the ids alone.

    Args:
        ours: The CPU's `Frames`.
        theirs: The device's.
    """
    found = []
    same = None if ours.instance is None else ours.instance == theirs.instance
    for name, bound in FRAMES.items():
        first, second = getattr(ours, name), getattr(theirs, name)
        if first is None:
            continue
        where = None if same is None or name in ("instance", "class_id", "part") else _spread(same, first.shape)
        found.append(compare(name, first, second, bound, where))
    return found


def _spread(same: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Lay a mask of pixels (V, H, W) over an output: (V, H, W[, C]) or (V, L, H, W[, C]); None over counts."""
    if shape[1:3] == same.shape[1:]:
        return same
    if len(shape) >= 4 and shape[2:4] == same.shape[1:]:
        return np.broadcast_to(same[:, None], shape[:4])
    return None
