"""Spans: how the pixels of rows are shared out to a kernel's elements.

On the CPU an element takes a whole row, whose loops use vector instructions. On CUDA it takes one pixel: neighbours in
a row are neighbours in a warp, so that what they read and write lies side by side. The source is one.
"""

from __future__ import annotations

from typing import Any, Protocol

from ...kernels.device import scalar


@scalar(forceinline=True)
def locate_span(index: Any, span: int, width: int) -> Any:
    """Return an element's row, first column and end, where rows of `width` are cut into spans of `span` columns."""
    parts = (width + span - 1) // span
    line, part = index // parts, index % parts
    return line, part * span, min(part * span + span, width)


class _Placed(Protocol):
    @property
    def device(self) -> str: ...


class Runs(Protocol):
    """What runs kernels somewhere."""

    @property
    def settings(self) -> _Placed:
        """Where that is."""


def share_out(runner: Runs, rows: int, width: int) -> tuple[int, int]:
    """Return how many elements a kernel needs for some rows of pixels, and the columns that each takes.

    Args:
        runner: Where the kernel runs.
        rows: Rows of all images together.
        width: Columns of a row.
    """
    return (rows * width, 1) if runner.settings.device == "cuda" else (rows, width)
