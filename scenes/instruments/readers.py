"""The readers of a rig's instruments, found by kind."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from .mount import InstrumentMount
from .reader import InstrumentReader, InstrumentSetup

if TYPE_CHECKING:
    from ..scene import Scene

_HOMES: Final = {
    "imu": ".inertial:InertialReader",
    "encoder": ".encoder:EncoderReader",
    "force_torque": ".force_torque:ForceTorqueReader",
    "tactile": ".tactile:TactileReader",
    "ranger": ".ranger:RangerReader",
    "gnss": ".gnss:GnssReader",
    "odometry": ".odometry:OdometryReader",
    "lidar": ".lidar:LidarReader",
}
FIRST_NUMBER: Final = 256
"""Number of a rig's first instrument: cameras count from 0."""


SHORTEST_WINDOW: Final = 0.25
"""Motion that is recorded for instruments which would do with less [s]."""


LONGEST_WINDOW: Final = 10.0
"""Longest motion that a recipe may ask for [s]."""


def needed_window(instruments: Sequence[InstrumentMount]) -> float:
    """Return how much motion a rig's instruments need before a row's instant [s]; 0 where there are none.

    Args:
        instruments: The instruments.

    Raises:
        ValueError: If a profile's name is unknown, or a sensor is too slow.
    """
    needed = [0.0]
    for mount in instruments:
        window = _reader_class(mount.kind).needed_window(mount)
        if window > LONGEST_WINDOW:
            raise ValueError(
                f"sensor {mount.name!r} needs {window:g} s of motion before a row's instant, and at most "
                f"{LONGEST_WINDOW:g} s are recorded; raise its timing.sampling_rate"
            )
        needed.append(max(window, SHORTEST_WINDOW))
    return max(needed)


def make_readers(
    scene: Scene, *, seed: int, device: str = "cpu", threads: int | None = None
) -> tuple[InstrumentReader, ...]:
    """Make a reader for each instrument of a scene's rig.

    Args:
        scene: The scene.
        seed: Seed of the noise, range [0, 2^64).
        device: Where the sensors run.
        threads: CPU threads; None for all.

    Raises:
        ValueError: If the scene does not give what an instrument feels.
    """
    readers = []
    for place, mount in enumerate(scene.rig.instruments):
        setup = InstrumentSetup(
            number=FIRST_NUMBER + place,
            window=scene.window,
            steps_per_second=scene.steps_per_second,
            slides=scene.sliding_joints,
            drive=scene.drive,
            library=scene.library,
            seed=seed,
            device=device,
            threads=threads,
        )
        readers.append(_reader_class(mount.kind)(mount, setup))
    return tuple(readers)


def _reader_class(kind: str) -> type[InstrumentReader]:
    module, _, name = _HOMES[kind].partition(":")
    found: type[InstrumentReader] = getattr(import_module(module, __package__), name)
    return found
