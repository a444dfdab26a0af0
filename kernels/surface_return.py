"""Whether a surface returns light to a depth sensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import scalar


@scalar(forceinline=True)
def has_surface(depth: Any) -> Any:
    """Return whether a float32 depth is one: positive and finite."""
    # False for NaN and infinity.
    return (depth > np.float32(0.0)) and (depth < np.float32(3.0e38))


@scalar(forceinline=True)
def kept_share(value: Any, none: Any, full: Any) -> Any:
    """Return the probability of a return: 0 up to `none`, 1 from `full`, linear between."""
    share = (value - none) / (full - none)
    # Written so that the compiler does several pixels at once; NaN keeps none.
    share = share if share > 0.0 else 0.0
    return share if share < 1.0 else 1.0
