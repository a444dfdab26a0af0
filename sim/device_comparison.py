"""Comparison of what two kinds of device made of the same scenes: differences counted per output, beside bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .dataset.regeneration import FRACTION_BOUND, RELATIVE_BOUND

_COVERAGE: Final = {
    "instance", "class", "class_id", "part", "normal", "object_coordinates", "transparent_instance",
    "visible_pixels", "in_frame_pixels", "total_pixels", "box_visible", "box_amodal", "visible_fraction",
}  # fmt: skip
_COLOUR: Final = {"rgb", "srgb", "raw", "colour", "albedo"}
_DEPTH: Final = {"depth", "range", "transparent_depth"}


@dataclass(frozen=True, kw_only=True)
class DeviceDifference:
    """How far one array of one device is from the other's."""

    name: str
    """Name of the array."""
    kind: str
    """What differs: "coverage" (ids, counts and what jumps where an edge moves by a pixel), "depth", "colour",
    "reading" (a sensor's, where one count more may be another depth) or "other"."""
    value_count: int
    """Values of the array."""
    changed: int
    """Values that are not equal; NaN equals NaN."""
    beyond: int
    """Values that differ by more than rounding: 1 of whole numbers that are a brightness, nothing of other whole
    numbers, a thousandth of real ones (of 1 below that)."""
    largest: float
    """Largest difference."""
    fraction_bound: float
    """Share of the values that may be beyond rounding."""

    @property
    def within(self) -> bool:
        """Whether no more are beyond rounding than may be."""
        return self.beyond <= self.fraction_bound * self.value_count


def compare_devices(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[DeviceDifference, ...]:
    """Compare the arrays that two kinds of device made, such as rows of a capture or a renderer's outputs.

    Args:
        first: NumPy arrays by name; of a path as "label/head/instance" the last part tells what they are.
        second: The same of the other device.

    Returns:
        A difference for each array, also where there is none, in the order of `first`.

    Raises:
        ValueError: If names, shapes or types are not the same.

    Example:
        >>> print(format_differences(compare_devices(rows_cpu, rows_cuda)))
    """
    if first.keys() != second.keys():
        raise ValueError(f"the devices made other arrays: {sorted(first.keys() ^ second.keys())}")
    return tuple(_compare(name, np.asarray(one), np.asarray(second[name])) for name, one in first.items())


def _compare(name: str, one: NDArray[Any], other: NDArray[Any]) -> DeviceDifference:
    if one.shape != other.shape or one.dtype != other.dtype:
        raise ValueError(f"{name} is {one.dtype}{one.shape} on one device and {other.dtype}{other.shape} on the other")
    kind, is_real = _kind(name), one.dtype.kind == "f"
    a, b = one.astype(np.float64), other.astype(np.float64)
    changed = (one != other) & ~(np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.where(changed, np.abs(a - b), 0.0)
    allowed: Any = RELATIVE_BOUND * np.maximum(np.abs(a), 1.0) if is_real else float(kind == "colour")
    return DeviceDifference(
        name=name,
        kind=kind,
        value_count=one.size,
        changed=int(np.count_nonzero(changed)),
        beyond=int(np.count_nonzero(changed & ~(apart <= allowed))),
        largest=float(apart.max(initial=0.0)),
        # Truth, addresses and poses come from the host: on both devices the same.
        fraction_bound=0.0 if kind == "other" else FRACTION_BOUND,
    )


def _kind(name: str) -> str:
    *folders, last = name.split("/")
    if last in _COLOUR:
        return "colour"
    if folders and folders[0] == "sensor":
        return "reading"
    if last in _DEPTH:
        return "depth"
    return "coverage" if last in _COVERAGE else "other"


def format_differences(differences: Sequence[DeviceDifference]) -> str:
    """Return differences as a Markdown table."""
    lines = [
        "| array | what | values | not equal | beyond rounding | largest | may be beyond | |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for one in differences:
        share = one.beyond / max(one.value_count, 1)
        verdict = "within" if one.within else "**beyond**"
        lines.append(
            f"| {one.name} | {one.kind} | {one.value_count} | {one.changed} | {one.beyond} ({share:.3%}) "
            f"| {one.largest:.4g} | {one.fraction_bound:.0%} | {verdict} |"
        )
    return "\n".join(lines)
