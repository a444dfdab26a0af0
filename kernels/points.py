"""Points from ranges: where on its ray each echo lies."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .device import Kernel, scalar
from .tensors import find_place


@scalar
def _place_point(
    element: Any, range_in: Any, direction_in: Any, origin_in: Any, rays: Any, echoes: Any, point_out: Any
) -> None:
    ray = element % rays
    for echo in range(echoes):
        place = element * echoes + echo
        distance = np.float64(range_in[place])
        for axis in range(3):
            value = origin_in[ray, axis] + distance * direction_in[ray, axis]
            point_out[place, axis] = value if distance > 0.0 else 0.0


_PLACE: Final = Kernel(_place_point)


def points_from_ranges(
    range: Any,
    directions: Any,
    origin: Any = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Return the points at ranges along rays.

    Args:
        range: Ranges [m], shape (N, P) or (N, P, E) for E echoes of a firing; float32 or float64, NumPy or torch; 0 =
            no return.
        directions: Unit directions of the firings, shape (P, 3) or (N, P, 3), in any frame.
        origin: Where the rays start in that frame [m], shape (P, 3) or (N, P, 3); its origin where not given.
        device: Where to run if the arrays are the host's: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Points of the ranges' kind and type, shape (N, P, 3) or (N, P, E, 3); zeros where nothing returned.

    Raises:
        ValueError: If shapes disagree.
        RuntimeError: If the device is not here.

    Example:
        >>> points_from_ranges(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))[0, 0]
        array([2., 0., 0.])
    """
    shape = tuple(int(length) for length in range.shape)
    if len(shape) not in (2, 3):
        raise ValueError(f"range must have shape (N, P) or (N, P, E), got {shape}")
    allowed = ((shape[1], 3), (shape[0], shape[1], 3))
    start = np.zeros(tuple(directions.shape)) if origin is None else origin
    if tuple(directions.shape) not in allowed or tuple(start.shape) != tuple(directions.shape):
        raise ValueError(
            f"directions and origin must both have shape {allowed[0]} or {allowed[1]}, got {tuple(directions.shape)} "
            f"and {tuple(start.shape)}"
        )
    place = find_place(range, device)
    dtype = np.float32 if str(range.dtype).endswith("float32") else np.float64
    rays = shape[1] if len(directions.shape) == 2 else shape[0] * shape[1]
    echoes = shape[2] if len(shape) == 3 else 1
    out = place.allocate((*shape, 3), dtype)
    _PLACE.launch(
        shape[0] * shape[1], place.borrow(range, dtype).reshape(-1),
        place.borrow(directions, np.float64).reshape(-1, 3), place.borrow(start, np.float64).reshape(-1, 3), rays,
        echoes, out.reshape(-1, 3), device=place.device, threads=threads,
    )  # fmt: skip
    return place.give(out)
