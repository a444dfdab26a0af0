"""Make rows again and compare them with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .depth_format import is_millimetres
from .findings import Finding
from .specs import Array, find_spec

Regenerate = Callable[[int], Mapping[str, Array]]
"""Makes the row of a number: values by name, without the leading axis."""

FRACTION_BOUND = 0.01
"""Share of values that may differ by more than rounding on another platform."""
RELATIVE_BOUND = 1e-3
"""What rounding may make of a number, of its size or of 1 where that is more."""


def choose_rows(rows: int, count: int) -> list[int]:
    """Choose rows to make again, spread evenly over the dataset.

    Example:
        >>> choose_rows(10, 3)
        [1, 5, 8]
    """
    count = min(rows, count)
    return [(2 * index + 1) * rows // (2 * count) for index in range(count)]


def compare_row(
    row: int, path: str, stored: Mapping[str, Array], made: Mapping[str, Array], *, same_platform: bool
) -> list[Finding]:
    """Compare one row with the same row made again.

    Args:
        row: Its number.
        path: The shard that holds it.
        stored: What is stored.
        made: What was made now.
        same_platform: Whether bytes must be equal; elsewhere the differences are told beside bounds.

    Returns:
        A finding per array that differs: "differs" on the same platform, "other platform" on another.
    """
    findings = []
    for name in sorted({*stored, *made}):
        if name not in stored or name not in made:
            where = "the stored row" if name not in stored else "the row made again"
            findings.append(Finding(kind="differs", path=path, text=f"{name} is missing in {where}", rows=(row,)))
            continue
        one, other = np.asarray(stored[name]), np.asarray(made[name])
        if one.shape != other.shape or one.dtype != other.dtype:
            text = f"{name} is {one.dtype}{one.shape} there and {other.dtype}{other.shape} made again"
            findings.append(Finding(kind="differs", path=path, text=text, rows=(row,)))
        elif one.tobytes() != other.tobytes():
            text = _difference(name, one, other, bounds=not same_platform)
            findings.append(
                Finding(kind="differs" if same_platform else "other platform", path=path, text=text, rows=(row,))
            )
    return findings


def _difference(name: str, one: Array, other: Array, *, bounds: bool) -> str:
    """Tell how far two arrays are apart; within bounds are rounding, a grey level or millimetre, 1 % of values."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    changed = (first != second) & ~(np.isnan(first) & np.isnan(second))
    apart = np.where(changed, np.abs(first - second), 0.0)
    fraction, largest = float(np.count_nonzero(changed)) / changed.size, float(np.nanmax(apart))
    text = f"{name} differs in {fraction:.2%} of its values, by up to {largest:.6g}"
    if not bounds:
        return text
    if find_spec(name).pattern.endswith("/rgb") or is_millimetres(name, one):
        allowed = np.ones_like(apart)
    elif one.dtype.kind == "f":
        allowed = RELATIVE_BOUND * np.maximum(np.abs(first), 1.0)
    else:
        allowed = np.zeros_like(apart)
    beyond = float(np.count_nonzero(~(apart <= allowed))) / changed.size
    verdict = "within" if beyond <= FRACTION_BOUND else "beyond"
    return f"{text}; {beyond:.2%} of them beyond rounding, {verdict} the bound of {FRACTION_BOUND:.0%}"
