"""First-order lag of a positive quantity towards a target, in its logarithm: how a camera's controls follow a scene.

    d(ln x) / dt = (ln target - ln x) / T          x(t + dt) = x (target / x)^(1 - exp(-dt / T))

The step is the equation's exact solution while the target stands still: two steps of dt/2 are one of dt.

Source: the linear differential equation of first order.
"""

from __future__ import annotations

import math
from typing import Any

from .device import scalar


@scalar
def approach(value: Any, target: Any, step: Any, time_constant: Any) -> Any:
    """Return a quantity after a time.

    Args:
        value: The quantity now, > 0.
        target: What it tends to, > 0.
        step: Time [s], ≥ 0.
        time_constant: T [s]; 0: it is there at once.
    """
    if not time_constant > 0.0:
        return target
    share = -math.expm1(-step / time_constant)
    return value * math.exp(share * math.log(target / value))
