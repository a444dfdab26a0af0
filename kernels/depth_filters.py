"""The filters that a depth sensor's driver applies to what was measured, in the order in which drivers apply them.

    limits → decimation → disparity → spatial smoothing → temporal smoothing → depth → hole filling

The order, and what each filter does to which pixels, follow librealsense's documentation; the formulas stand beside
the kernels. Statuses stay honest: what a filter made up is valid and marked in `filled`, what a limit took out is
`filtered`, and every other pixel keeps its reason.

Differs from librealsense: step sizes (delta) are pixels of disparity; a block that is cut by the image's edge is
dropped instead of padded; of an even number of valid depths the median is the smaller middle one, which was measured;
"farthest" and "nearest" look at measured neighbours only, so that they fill one pixel deep.

Source: librealsense, "Post-processing filters" (doc/post-processing-filters.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .depth_decimation import DECIMATE, LIMIT
from .depth_smoothing import COLUMNS, HISTORY, INVERT, REMEMBER, RESTORE, SMOOTH_COLUMNS, SMOOTH_LINE
from .hole_filling import CLEAR, FILL, NEIGHBOURS
from .image_rows import spread_numbers
from .profile_check import check_choice, check_range, check_whole
from .tensors import Place, find_place


@dataclass(frozen=True, kw_only=True)
class DepthFilters:
    """Which filters are applied, and how strongly; the defaults are librealsense's, without hole filling.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> DepthFilters(decimation=1, hole_filling="farthest").spatial_alpha
        0.5
    """

    depth_min: float = 0.0
    """Depth below which a pixel is taken out [m]."""
    depth_max: float = 1e6
    """Depth above which a pixel is taken out [m]."""
    decimation: int = 2
    """Side of the blocks that become one pixel [px], [1, 8]: median to 3, mean from 4 on; 1 for none."""
    spatial_iterations: int = 2
    """Passes over lines and columns, [0, 5]; 0 for none."""
    spatial_alpha: float = 0.5
    """Weight of the pixel in its exponential mean, [0.25, 1]; 1 does not smooth."""
    spatial_delta: float = 0.625
    """Step of disparity above which smoothing starts anew [px of the original image], ≥ 0."""
    spatial_fill: int = 0
    """Holes along a line take the last value up to this many pixels from it, from either side [px], [0, 4096]."""
    temporal_alpha: float = 0.4
    """Weight of the frame in its exponential mean, (0, 1]; 1 does not smooth."""
    temporal_delta: float = 0.625
    """Step of disparity above which the mean starts anew [px of the original image], ≥ 0."""
    temporal_persistence: tuple[int, int] | None = (2, 4)
    """(k, n): a hole takes the last value if k of the last n ≤ 8 frames before were valid; None for never, k = 0 for
    always."""
    hole_filling: Literal["none", "left", "farthest", "nearest"] = "none"
    """What fills a hole: the last value to its left on the line, or the farthest or nearest of its four neighbours."""

    def __post_init__(self) -> None:
        check_range(self, "depth_min", 0.0, 1e6)
        check_range(self, "depth_max", self.depth_min, 1e6)
        check_whole(self, "decimation", 1, 8)
        check_whole(self, "spatial_iterations", 0, 5)
        check_range(self, "spatial_alpha", 0.25, 1.0)
        check_range(self, "spatial_delta", 0.0, 4096.0)
        check_whole(self, "spatial_fill", 0, 4096)
        check_range(self, "temporal_alpha", 1e-3, 1.0)
        check_range(self, "temporal_delta", 0.0, 4096.0)
        check_choice(self, "hole_filling", NEIGHBOURS)
        given: Any = self.temporal_persistence
        if given is not None and not (len(given) == 2 and 0 <= given[0] <= given[1] and 1 <= given[1] <= HISTORY):
            raise ValueError(
                f"temporal_persistence must be None or (k, n) with 0 ≤ k ≤ n and n in [1, {HISTORY}], got {given!r}; "
                "set DepthFilters.temporal_persistence"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthHistory:
    """What the temporal filter remembers of each pixel after a frame."""

    disparity: Any
    """Mean disparity [px of the original image], float32, shape (N, h, w); 0 = none."""
    valid: Any
    """Bit k: whether the pixel was valid k frames ago, uint8, shape (N, h, w)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FilteredDepth:
    """A depth image after the filters."""

    depth: Any
    """Depth [m], float32, shape (N, H // decimation, W // decimation); 0 = none."""
    status: Any
    """Why there is none, uint8, the same shape: place in `STATUS_NAMES`, 0 = valid."""
    filled: Any
    """1 where a filter made the depth up, uint8, the same shape."""
    history: DepthHistory | None
    """For the next frame; None where temporal smoothing was not asked for."""


def filter_depth(
    depth: Any,
    status: Any,
    filters: DepthFilters,
    *,
    fx: ArrayLike,
    baseline: ArrayLike,
    history: DepthHistory | None = None,
    temporal: bool = True,
    device: str = "cpu",
    threads: int | None = None,
) -> FilteredDepth:
    """Filter one frame of each of N depth images.

    Args:
        depth: Measured depth [m], float32, shape (N, H, W). NumPy, torch, or another array on the device.
        status: Status of each pixel, uint8, shape (N, H, W); what is not 0 is a hole.
        filters: Which filters, and how strongly.
        fx: Focal length of the images as measured [px], a number or shape (N,).
        baseline: Distance of imager and second imager or projector [m], a number or shape (N,).
        history: What the frame before returned; None for the first frame.
        temporal: Whether to smooth over time and return a history.
        device: "cpu" or "cuda"; tensors that are on a device are filtered there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Depth, status, what was made up, and the history for the next frame.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: librealsense, "Post-processing filters".

    Example:
        >>> seen = apply_depth(np.full((1, 8, 90), 2.0, np.float32), fx=446.8, seed=1, index=[0])
        >>> filtered = filter_depth(seen.depth, seen.status, DepthFilters(), fx=446.8, baseline=0.05)
        >>> filtered.depth.shape
        (1, 4, 45)
    """
    place = find_place(depth, device)
    count, height, width, size = *_check_shape(depth, status, filters), filters.decimation
    shape = count, height // size, width // size
    lines = count * shape[1]
    options: dict[str, Any] = {"device": place.device, "threads": threads}
    product = spread_numbers(fx, count, "fx") * spread_numbers(baseline, count, "baseline")
    raw = place.borrow(depth, np.float32).reshape(count * height, width)
    reason = place.borrow(status, np.uint8).reshape(count * height, width)
    limited, kept = _allocate(place, count * height, width)
    LIMIT.launch(
        count * height, raw, reason, np.float32(filters.depth_min), np.float32(filters.depth_max), limited, kept,
        **options,
    )  # fmt: skip
    result, found = limited, kept
    if size > 1:
        result, found = _allocate(place, lines, shape[2])
        DECIMATE.launch(lines, limited, kept, size, height, shape[1], result, found, **options)
    filled = place.allocate((lines, shape[2]), np.uint8)
    CLEAR.launch(lines, filled, **options)
    remembered = None
    if filters.spatial_iterations or temporal:
        value = place.allocate((lines, shape[2]), np.float32)
        INVERT.launch(lines, result, found, product, shape[1], value, **options)
        _smooth(value, filled, filters, count, shape[1], options)
        if temporal:
            remembered = _remember(place, value, filled, filters, history, shape, options)
        RESTORE.launch(lines, value, product, shape[1], result, found, **options)
    if filters.hole_filling != "none":
        before, why = result, found
        result, found = _allocate(place, lines, shape[2])
        which = NEIGHBOURS.index(filters.hole_filling)
        FILL.launch(lines, which, shape[1], before, why, result, found, filled, **options)
    give = [place.give(array.reshape(shape)) for array in (result, found, filled)]
    return FilteredDepth(depth=give[0], status=give[1], filled=give[2], history=remembered)


def _check_shape(depth: Any, status: Any, filters: DepthFilters) -> tuple[int, int, int]:
    shape = tuple(depth.shape)
    if len(shape) != 3 or min(shape[1:]) < filters.decimation:
        raise ValueError(f"depth must have shape (N, H, W) with sides from {filters.decimation} on, got {shape}")
    if tuple(status.shape) != shape:
        raise ValueError(f"status must have shape {shape}, got {tuple(status.shape)}")
    return int(shape[0]), int(shape[1]), int(shape[2])


def _allocate(place: Place, lines: int, width: int) -> tuple[Any, Any]:
    return place.allocate((lines, width), np.float32), place.allocate((lines, width), np.uint8)


def _smooth(value: Any, filled: Any, filters: DepthFilters, count: int, height: int, options: dict[str, Any]) -> None:
    lines, width = value.shape
    alpha, delta = np.float32(filters.spatial_alpha), np.float32(filters.spatial_delta)
    blocks = math.ceil(width / COLUMNS)
    for iteration in range(filters.spatial_iterations):
        # Once: else each pass would fill on from what the one before it had filled.
        fill = filters.spatial_fill if iteration == 0 else 0
        SMOOTH_LINE.launch(lines, alpha, delta, fill, value, filled, **options)
        SMOOTH_COLUMNS.launch(count * blocks, alpha, delta, height, blocks, value, **options)


def _remember(
    place: Place, value: Any, filled: Any, filters: DepthFilters, history: DepthHistory | None,
    shape: tuple[int, int, int], options: dict[str, Any],
) -> DepthHistory:  # fmt: skip
    flat = shape[0] * shape[1], shape[2]
    if history is None:
        mean, valid = np.zeros(flat, np.float32), np.zeros(flat, np.uint8)
    elif tuple(history.disparity.shape) != shape or tuple(history.valid.shape) != shape:
        raise ValueError(f"history must be that of images of shape {shape}, got {tuple(history.disparity.shape)}")
    else:
        mean = place.borrow(history.disparity, np.float32).reshape(flat)
        valid = place.borrow(history.valid, np.uint8).reshape(flat)
    # More than all of them for never.
    least, frames = (HISTORY + 1, HISTORY) if filters.temporal_persistence is None else filters.temporal_persistence
    mean_after, valid_after = _allocate(place, *flat)
    REMEMBER.launch(
        flat[0], np.float32(filters.temporal_alpha), np.float32(filters.temporal_delta), least, frames, mean, valid,
        value, filled, mean_after, valid_after, **options,
    )  # fmt: skip
    return DepthHistory(disparity=place.give(mean_after.reshape(shape)), valid=place.give(valid_after.reshape(shape)))
