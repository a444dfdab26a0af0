"""Words of physics: surfaces, contacts, joints, how settling ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LINEAR_DAMPING: Final = 0.04
"""Share of a free body's speed that is lost in a second, unless it says otherwise."""
ANGULAR_DAMPING: Final = 0.1
"""The same of its turn rate."""


class WorldError(RuntimeError):
    """A body that cannot be made, or a physics engine that is not there; the message says which and why."""


class JointLimitError(WorldError):
    """A joint that was to stand beyond its limits; the message says which, where and what they are."""


class PhysicsError(RuntimeError):
    """Physics that exploded: there is nothing left to be read; the message says how."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """How a body's surface behaves in contact. Bullet multiplies the coefficients of the two bodies that touch."""

    friction: float = 0.7
    """Coulomb coefficient of the body [1], >= 0."""
    restitution: float = 0.0
    """Coefficient of restitution [1], range [0, 1]."""
    rolling_friction: float = 0.001
    """Resistance to rolling: lever arm of the normal force [m], >= 0."""
    spinning_friction: float = 0.001
    """Resistance to spinning about the normal: lever arm [m], >= 0."""

    def __post_init__(self) -> None:
        for name in ("friction", "restitution", "rolling_friction", "spinning_friction"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number >= 0, got {value}")
        if self.restitution > 1:
            raise ValueError(f"restitution must be in [0, 1], got {self.restitution}; above 1 contacts make energy")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How settling ended."""

    at_rest: bool
    """Whether everything came to rest."""
    steps: int
    """Steps taken."""
    linear_speed: float
    """Largest speed at the end [m/s]."""
    angular_speed: float
    """Largest turn rate at the end [rad/s]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contacts:
    """Contact points; K of them, in the engine's order, which is reproducible."""

    bodies: NDArray[np.int64]
    """Body a and b of each, shape (K, 2)."""
    links: NDArray[np.int64]
    """Link of a and of b, -1 = base, shape (K, 2)."""
    position: Array
    """Point on b [m], world frame, shape (K, 3)."""
    normal: Array
    """Unit normal on b, towards a, world frame, shape (K, 3)."""
    force: Array
    """Normal force during the last step [N], shape (K,)."""
    distance: Array
    """Gap between the surfaces [m], shape (K,); negative = penetration."""

    def chosen(self, which: NDArray[np.bool_]) -> Contacts:
        """Return some of the contacts, `which` of shape (K,)."""
        return Contacts(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """One movable joint of a robot."""

    index: int
    """Index of the joint, and of the link it moves, in PyBullet's order."""
    name: str
    """Name of the joint."""
    lower: float
    """Lower limit [rad or m]; -inf where there is none."""
    upper: float
    """Upper limit [rad or m]; inf where there is none."""
    max_force: float
    """Largest force or torque [N or Nm]."""
    max_velocity: float
    """Largest speed [rad/s or m/s]."""
    slides: bool = False
    """Whether it slides along its axis; it turns about it otherwise."""


def read_contacts(points: Sequence[Any]) -> Contacts:
    """Read contacts from PyBullet's tuples."""
    return Contacts(
        bodies=np.array([(p[1], p[2]) for p in points], np.int64).reshape(-1, 2),
        links=np.array([(p[3], p[4]) for p in points], np.int64).reshape(-1, 2),
        position=np.array([p[6] for p in points], np.float64).reshape(-1, 3),
        normal=np.array([p[7] for p in points], np.float64).reshape(-1, 3),
        force=np.array([p[9] for p in points], np.float64),
        distance=np.array([p[8] for p in points], np.float64),
    )
