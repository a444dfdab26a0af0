"""Colour filter mosaics: which pixel sees what, and where lines and columns beyond the image are taken from."""

from __future__ import annotations

from typing import Any, Final

from .device import scalar

RED: Final = 0
GREEN: Final = 1
BLUE: Final = 2
CLEAR: Final = 3
"""A pixel without a filter: the sum of the three."""

_LETTERS: Final = {"R": RED, "G": GREEN, "B": BLUE, "C": CLEAR}


def site_colors(mosaic: str) -> tuple[int, int, int, int]:
    """Return what the pixels (0, 0), (0, 1), (1, 0) and (1, 1), as row and column, of a mosaic see.

    Args:
        mosaic: Four letters of R, G, B and C, or "mono".

    Example:
        >>> site_colors("RGGB")
        (0, 1, 1, 2)
    """
    if mosaic == "mono":
        return CLEAR, CLEAR, CLEAR, CLEAR
    first, second, third, fourth = (_LETTERS[letter] for letter in mosaic)
    return first, second, third, fourth


@scalar(forceinline=True)
def reflect(place: Any, size: Any) -> Any:
    """Return the place within [0, size) that stands for one up to two beyond either end.

    Mirrored about the outermost pixels, which keeps their place in the mosaic: -1 is 1, and `size` is `size` - 2.
    """
    if size == 1:
        return 0
    place = -place if place < 0 else place
    place = 2 * (size - 1) - place if place >= size else place
    return -place if place < 0 else place
