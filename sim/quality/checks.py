"""Checks: the automatic verdict of each row, from the row's own arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..recipe import Bounds, Checks

Array = NDArray[Any]

ACCEPTED = 0
REJECTED = 1


def needed_outputs(checks: Checks) -> tuple[str, ...]:
    """List the outputs that the checks need to be captured.

    Args:
        checks: The recipe's checks.

    Returns:
        Names out of the recipe's `outputs`.
    """
    needed = []
    if _is_bounded(checks.visible_fraction) or _is_bounded(checks.visible_objects):
        needed += ["visibility", "poses"]
    if _is_bounded(checks.penetration):
        needed.append("contacts")
    if _is_bounded(checks.clipped_fraction):
        needed.append("rgb")
    return tuple(needed)


def judge_rows(rows: Mapping[str, Array], checks: Checks) -> NDArray[np.uint8]:
    """Give each row its verdict; nothing is ever dropped.

    Args:
        rows: Arrays of N rows by name; a check whose arrays are not there is passed.
        checks: The recipe's checks.

    Returns:
        0 accepted or 1 rejected, shape (N,). Tombstones are rejected.

    Example:
        >>> judge_rows({"sample/valid": np.array([1, 0], np.uint8)}, Checks()).tolist()
        [0, 1]
    """
    valid = rows["sample/valid"] != 0
    accepted = valid.copy() if checks.settled else np.ones(len(valid), bool)
    for passed in _passed(rows, checks).values():
        accepted &= passed | ~valid
    return np.where(accepted, ACCEPTED, REJECTED).astype(np.uint8)


def failed_checks(rows: Mapping[str, Array], checks: Checks) -> list[str]:
    """Name the checks that some of the rows do not pass, as far as their arrays tell."""
    return [name for name, passed in _passed(rows, checks).items() if not passed.all()]


def _passed(rows: Mapping[str, Array], checks: Checks) -> dict[str, NDArray[np.bool_]]:
    """Tell for each check whose arrays are there which rows pass it."""
    measured = {
        "visible_fraction": (checks.visible_fraction, least_visible_fraction(rows)),
        "visible_objects": (checks.visible_objects, visible_objects(rows)),
        "clipped_fraction": (checks.clipped_fraction, clipped_fraction(rows)),
        "penetration": (checks.penetration, penetration(rows)),
    }
    return {name: _within(values, bounds) for name, (bounds, values) in measured.items() if values is not None}


def least_visible_fraction(rows: Mapping[str, Array]) -> NDArray[np.float64] | None:
    """Measure how much is seen of the object that is hidden most, best camera each; 1 where none is in a frame."""
    seen = _per_object(rows, "visible_pixels")
    inside = _per_object(rows, "in_frame_pixels")
    whole = _per_object(rows, "total_pixels")
    if seen is None or inside is None or whole is None:
        return None
    fraction = np.where(inside > 0, seen / np.maximum(whole, 1), -1.0).max(axis=0)
    return np.asarray(np.where(fraction >= 0, fraction, 1.0).min(axis=1))


def visible_objects(rows: Mapping[str, Array]) -> NDArray[np.float64] | None:
    """Count the objects of which some camera sees a pixel."""
    seen = _per_object(rows, "visible_pixels")
    return None if seen is None else np.asarray((seen.max(axis=0) > 0).sum(axis=1), np.float64)


def clipped_fraction(rows: Mapping[str, Array]) -> NDArray[np.float64] | None:
    """Measure the fraction of pixels with a channel at 255, worst camera of each row."""
    images = [rows[name] for name in sorted(rows) if name.startswith("sensor/") and name.endswith("/rgb")]
    if not images:
        return None
    fractions = []
    for image in images:
        clipped = np.empty(len(image))
        for row, pixels in enumerate(image):  # row by row: the whole mask of a shard would be large
            red, green, blue = (pixels[..., channel] == 255 for channel in range(3))
            clipped[row] = np.count_nonzero(red | green | blue) / (pixels.shape[0] * pixels.shape[1])
        fractions.append(clipped)
    return np.asarray(np.max(fractions, axis=0))


def penetration(rows: Mapping[str, Array]) -> NDArray[np.float64] | None:
    """Measure the deepest interpenetration of each row [m]; 0 where nothing overlaps."""
    distance = rows.get("state/contact_distance")
    if distance is None:
        return None
    return np.asarray(np.maximum(-distance.min(axis=1), 0.0))


def _per_object(rows: Mapping[str, Array], name: str) -> NDArray[np.int64] | None:
    """Stack a count over the cameras for slots that hold an object, shape (cameras, N, M); others count 0."""
    counts = [rows[key] for key in sorted(rows) if key.startswith("label/") and key.endswith(f"/{name}")]
    if not counts:
        return None
    stacked = np.stack(counts).astype(np.int64)
    there = rows.get("object/valid")
    return stacked if there is None else stacked * (there != 0)


def _is_bounded(bounds: Bounds) -> bool:
    return bounds.min is not None or bounds.max is not None


def _within(values: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    inside = np.ones(len(values), bool)
    if bounds.min is not None:
        inside &= values >= bounds.min
    if bounds.max is not None:
        inside &= values <= bounds.max
    return inside
