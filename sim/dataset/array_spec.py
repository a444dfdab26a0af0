"""What one kind of array in a dataset is: its name, dtype, axes, unit, frame and meaning."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"<\w+>")
_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}"


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
    """

    pattern: str
    dtype: str
    axes: tuple[str, ...]
    unit: str = "1"
    frame: str = "-"
    invalid: str = "-"
    meaning: str

    @functools.cached_property
    def expression(self) -> re.Pattern[str]:
        """Regular expression that concrete names must match as a whole."""
        parts = _PLACEHOLDER.split(self.pattern)
        return re.compile(f"({_COMPONENT})".join(re.escape(part) for part in parts))

    @property
    def is_image(self) -> bool:
        """Whether a row of it is an image or a scan, which is stored as one compressed chunk."""
        return "height" in self.axes or "beam" in self.axes

    def attributes(self) -> dict[str, str]:
        """Give the attributes that its HDF5 dataset carries."""
        axes = " ".join(axis.rstrip("?") for axis in self.axes)
        return {"unit": self.unit, "frame": self.frame, "axes": axes, "invalid": self.invalid, "meaning": self.meaning}


def array(pattern: str, dtype: str, axes: tuple[str, ...], meaning: str, **more: str) -> ArraySpec:
    """Return the entry of one kind of array; see `ArraySpec`."""
    return ArraySpec(pattern=pattern, dtype=dtype, axes=axes, meaning=meaning, **more)


def number_names(names: tuple[str, ...]) -> str:
    """Say which number means which name."""
    return ", ".join(f"{number} {name}" for number, name in enumerate(names))
