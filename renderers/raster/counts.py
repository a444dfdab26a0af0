"""Counts: pixels and boxes of instance ids, put together where they lie.

One line of NumPy each on the CPU, a small kernel on CUDA.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from .levels import Passes

F0 = np.float32(0.0)


@scalar
def _join_box(view: int, slot: int, has_first: bool, has_second: bool, first: Any, second: Any, box_out: Any) -> None:
    """Write the box around those of two boxes that are there, 0 where none is."""
    for i in range(4):
        a, b = first[view, slot, i], second[view, slot, i]
        both = min(a, b) if i < 2 else max(a, b)
        box_out[view, slot, i] = both if has_first and has_second else (a if has_first else (b if has_second else F0))


@scalar
def _join_visible(
    index: int, instance_count: int, pixels_in: Any, box_in: Any, more_in: Any, more_box_in: Any, pixels_out: Any,
    box_out: Any,
) -> None:  # fmt: skip
    view, slot = index // instance_count, index % instance_count
    seen, more = pixels_in[view, slot], more_in[view, slot]
    _join_box(view, slot, seen > 0, more > 0, box_in, more_box_in, box_out)
    pixels_out[view, slot] = seen + more


@scalar
def _join_amodal(
    index: int, instance_count: int, band_count: int, inside_in: Any, inner_in: Any, found_in: Any, outer_out: Any,
    pixels_out: Any, box_out: Any,
) -> None:  # fmt: skip
    view, slot = index // instance_count, index % instance_count
    outside = 0
    for band in range(band_count):
        place = (view * band_count + band) * instance_count + slot
        outside += found_in[place, 0]
        for i in range(4):
            value = np.float32(found_in[place, 1 + i])
            known = value if band == 0 else outer_out[view, slot, i]
            outer_out[view, slot, i] = min(known, value) if i < 2 else max(known, value)
    inside = inside_in[view, slot]
    _join_box(view, slot, inside > 0, outside > 0, inner_in, outer_out, box_out)
    pixels_out[view, slot] = inside + outside


@scalar
def _copy_slot(
    index: int, slot: int, member_in: Any, pixels_in: Any, box_in: Any, pixels_out: Any, box_out: Any
) -> None:
    view = member_in[index]
    pixels_out[view, slot] = pixels_in[view, slot]
    for i in range(4):
        box_out[view, slot, i] = box_in[view, slot, i]


JOIN_VISIBLE = Kernel(_join_visible)
JOIN_AMODAL = Kernel(_join_amodal)
COPY_SLOT = Kernel(_copy_slot)


def join_visible(
    passes: Passes, pixels: NDArray[np.int32], box: NDArray[np.float32], more: NDArray[np.int32],
    more_box: NDArray[np.float32],
) -> None:  # fmt: skip
    """Add pixels, and make their boxes hold the others too.

    Args:
        passes: The chunk.
        pixels: Pixels of instance ids, shape (V, S).
        box: Their boxes, shape (V, S, 4).
        more: Other pixels of the same ids.
        more_box: Their boxes.
    """
    if passes.workspace.is_resident:
        passes.launch(JOIN_VISIBLE, pixels.size, max(pixels.shape[1], 1), pixels, box, more, more_box, pixels, box)
        return
    both = ((pixels > 0) & (more > 0))[..., None]
    joined = np.concatenate([np.minimum(box, more_box)[..., :2], np.maximum(box, more_box)[..., 2:]], axis=-1)
    box[:] = np.where(both, joined, np.where(more[..., None] > 0, more_box, box))
    pixels += more


def join_amodal(
    passes: Passes, found: NDArray[np.int32], bands: int, inside: NDArray[np.int32], inner: NDArray[np.float32],
    pixels: NDArray[np.int32], box: NDArray[np.float32],
) -> None:  # fmt: skip
    """Add up what reaches out of the frame and what is in it.

    Args:
        passes: The chunk.
        found: What `amodal.COUNT_WHOLE` wrote, by view, band and instance id.
        bands: Bands of rows of each view.
        inside: Pixels in the frame, shape (V, S).
        inner: Their boxes, shape (V, S, 4).
        pixels: All pixels, written.
        box: Their boxes, written.
    """
    views, instances = inside.shape
    if passes.workspace.is_resident:
        outer = passes.take("outer box", inner.shape, np.float32)
        passes.launch(JOIN_AMODAL, inside.size, max(instances, 1), bands, inside, inner, found, outer, pixels, box)
        return
    bandwise = found.reshape(views, bands, instances, 5)
    outside = bandwise[..., 0].sum(axis=1)
    outer = np.concatenate([bandwise[..., 1:3].min(axis=1), bandwise[..., 3:].max(axis=1)], axis=-1)
    both = np.concatenate([np.minimum(inner[..., :2], outer[..., :2]), np.maximum(inner[..., 2:], outer[..., 2:])], -1)
    alone = np.where((inside > 0)[..., None], inner, np.where((outside > 0)[..., None], outer, 0))
    pixels[:] = inside + outside
    box[:] = np.where(((inside > 0) & (outside > 0))[..., None], both, alone)


def sum_bands(totals: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return pixels of each view and instance id, and their boxes, from those of bands of rows.

    Args:
        totals: Samples, left, top, right and bottom; shape (V, bands, S, 5).
    """
    pixels = totals[..., 0].sum(axis=1).astype(np.int32)
    box = np.concatenate([totals[..., 1:3].min(axis=1), totals[..., 3:].max(axis=1)], axis=-1)
    return pixels, np.where(pixels[..., None] > 0, box, 0).astype(np.float32)


def copy_slot(
    passes: Passes, slot: int, members: NDArray[np.int64], found: NDArray[np.int32], found_box: NDArray[np.float32],
    pixels: NDArray[np.int32], box: NDArray[np.float32],
) -> None:  # fmt: skip
    """Take one instance id's counts over, for some views.

    Args:
        passes: The chunk.
        slot: Instance id - 1.
        members: The views.
        found: Pixels, shape (V, S).
        found_box: Their boxes, shape (V, S, 4).
        pixels: Where they go.
        box: Where the boxes go.
    """
    if passes.workspace.is_resident:
        passes.launch(COPY_SLOT, len(members), slot, members, found, found_box, pixels, box)
        return
    pixels[members, slot], box[members, slot] = found[members, slot], found_box[members, slot]
