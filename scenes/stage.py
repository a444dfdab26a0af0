"""Stages: settled worlds, and the instants of their episodes, ready to be captured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from numpy.typing import NDArray

from ..renderers.snapshot import Snapshot
from ..renderers.view import Camera
from .motion import Motion
from .scenario import Scenario


class Reason(IntEnum):
    """Why a scenario is no valid row."""

    NONE = 0
    NOT_SETTLED = 1
    BUILD_FAILED = 2
    PENETRATION = 3
    OUT_OF_WORKSPACE = 4
    COLLISION = 5
    TIPPED_OVER = 6
    EXPLODED = 7
    FELL_OFF = 8
    SUNK = 9
    JOINT_LIMIT = 10
    REQUIREMENT = 11
    EPISODE_OVER = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One instant of one world with all that a capture needs: what is seen, from where, and the truth about it.

    V views, L looks, M object slots. An invalid stage holds the same arrays, with zeros where nothing could be read;
    only one that could not be built at all has no snapshots and no cameras.
    """

    scenario: Scenario
    """Where it came from."""
    valid: bool
    """Whether the world was built, settled, and is in order."""
    reason: Reason
    """Why not."""
    message: str = ""
    """The same for people."""
    snapshots: tuple[Snapshot, ...]
    """One per view, each with L looks; the geometry arrays are shared."""
    cameras: Mapping[str, tuple[Camera, ...]]
    """Camera name to one camera per view."""
    nominal_cameras: Mapping[str, tuple[Camera, ...]] = field(default_factory=dict)
    """The same as a calibration believes them, where it errs; empty = as `cameras`."""
    object: Mapping[str, NDArray[Any]]
    """The arrays `object/<name>` of a row, shape (M, ...)."""
    state: Mapping[str, NDArray[Any]]
    """The arrays `state/<name>` of a row."""
    param: Mapping[str, NDArray[Any]]
    """Every parameter's values, shape (V, L[, K]), float64."""
    motion: Motion | None = None
    """What the physics did before the instant, where the scene's rig has instruments that feel it."""
    carriers: NDArray[Any] | None = None
    """Number of the free body that carries each instance, objects before distractors, -1 = none; None: not told."""
    margins: Mapping[str, float] = field(default_factory=dict)
    """Named continuous margins, in metres unless the name says otherwise; <= 0 is the event."""
    task: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """The arrays `task/<name>` of a row: what is done at the instant, and what comes of it."""
    instants: tuple[Stage, ...] = ()
    """The instants of the scenario's episode, from where the stage stands on; empty: there is no episode."""
