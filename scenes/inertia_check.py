"""Whether a stated inertia can be that of a rigid body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SLACK = 1e-6


def check_inertia(mass: float, inertia: Array, size: float) -> tuple[str, ...]:
    """Tell what is impossible about an inertia.

    The principal moments of a body are positive, none exceeds the sum of the two others, and none exceeds m r^2 with
    the radius of the ball that holds the body.

    Args:
        mass: Mass [kg].
        inertia: Tensor about the centre of mass [kg m^2], shape (3, 3).
        size: Diameter of the ball that holds the body [m].

    Returns:
        A clause for each fault; none where it can be.
    """
    if not mass > 0:
        return (f"its mass is {mass:g} kg, and must be positive",)
    moments = np.linalg.eigvalsh(inertia)
    listed = ", ".join(f"{value:.3g}" for value in moments)
    if not moments[0] > 0:
        return (f"its principal moments are {listed} kg m^2, and must be positive",)
    faults = []
    if moments[2] > (moments[0] + moments[1]) * (1 + _SLACK):
        faults.append(f"its principal moments {listed} kg m^2 break the triangle inequality")
    most = mass * (0.5 * size) ** 2
    if moments[2] > 2.0 * most:  # twice: the inertial frame may lie beside the middle of the box
        faults.append(f"its moment {moments[2]:.3g} kg m^2 is {moments[2] / most:.2g} times what {mass:g} kg can have")
    return tuple(faults)
