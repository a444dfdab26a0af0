"""Whether there is a surface at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import scalar


@scalar(forceinline=True)
def has_surface(depth: Any) -> Any:
    """Return whether a float32 depth is one: positive and finite."""
    # False for NaN and infinity.
    return (depth > np.float32(0.0)) and (depth < np.float32(3.0e38))
