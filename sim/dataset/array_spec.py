"""What one kind of array in a dataset is: its name, dtype, axes, unit, frame and meaning."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"<\w+>")
_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}"


@dataclass(frozen=True, kw_only=True)
class OtherDtype:
    """How else the same values may be stored.

    Args:
        dtype: NumPy dtype in its little-endian spelling.
        unit: Unit of the values in it.
        note: What its values mean beside that.
    """

    dtype: str
    unit: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """What one kind of array holds.

    Args:
        pattern: the name, with `<camera>` or `<name>` standing for one component.
        dtype: NumPy dtype in its little-endian spelling.
        axes: axis names, "row" first; a last name ending in "?" may be left out.
        unit: SI unit, or "1" for a pure number.
        frame: coordinate frame that values are expressed in, or "-".
        invalid: the value that means "nothing here", in words, or "-".
        meaning: one sentence.
        other: a second dtype that a dataset may choose, with its unit.
    """

    pattern: str
    dtype: str
    axes: tuple[str, ...]
    unit: str = "1"
    frame: str = "-"
    invalid: str = "-"
    meaning: str
    other: OtherDtype | None = None

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Every dtype that it may have, the usual one first."""
        return (self.dtype,) if self.other is None else (self.dtype, self.other.dtype)

    @functools.cached_property
    def expression(self) -> re.Pattern[str]:
        """Regular expression that concrete names must match as a whole."""
        parts = _PLACEHOLDER.split(self.pattern)
        return re.compile(f"({_COMPONENT})".join(re.escape(part) for part in parts))

    @property
    def is_image(self) -> bool:
        """Whether a row of it is an image or a scan, which is stored as one compressed chunk."""
        return "height" in self.axes or "beam" in self.axes

    def attributes(self, dtype: str | None = None) -> dict[str, str]:
        """Give the attributes that its HDF5 dataset carries.

        Args:
            dtype: One of `dtypes`; the usual one by default.
        """
        axes = " ".join(axis.rstrip("?") for axis in self.axes)
        unit, meaning = self.unit, self.meaning
        if self.other is not None and dtype == self.other.dtype:
            unit, meaning = self.other.unit, f"{meaning}; {self.other.note}"
        return {"unit": unit, "frame": self.frame, "axes": axes, "invalid": self.invalid, "meaning": meaning}


def array(pattern: str, dtype: str, axes: tuple[str, ...], meaning: str, **more: Any) -> ArraySpec:
    """Return the entry of one kind of array; see `ArraySpec`."""
    return ArraySpec(pattern=pattern, dtype=dtype, axes=axes, meaning=meaning, **more)


def number_names(names: tuple[str, ...]) -> str:
    """Say which number means which name."""
    return ", ".join(f"{number} {name}" for number, name in enumerate(names))
