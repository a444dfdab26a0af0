"""Joint encoders of a rig: the positions and velocities of all joints as they are read."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.encoder import apply_encoder
from ..motion import Motion
from .interpolation import interpolate_cubic
from .mount import InstrumentMount
from .reader import InstrumentReader, InstrumentSetup, Shapes
from .recorded_rows import RecordedRows

Array = NDArray[np.float64]
PINION_RADIUS: Final = 0.01
"""Radius of the pinion on a sliding joint's encoder [m], typical."""
_SETTLED: Final = 12.0
"""Time constants after which a filter has forgotten its start."""


class EncoderReader(InstrumentReader):
    """Reads the encoders of all joints of the scene's robot.

    Raises:
        ValueError: If the scene has no joints.
    """

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        super().__init__(mount, setup)
        if not setup.slides:
            raise ValueError(f"sensor {mount.name!r}: the scene has no joints for encoders to read")

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        shape = (self.samples, len(self.setup.slides))
        names = ("joint_position", "joint_velocity")
        return self.series_shapes() | {
            f"{room}/{self.name}/{name}": (np.float64, shape) for room in ("sensor", "ideal") for name in names
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule = self.schedule(recording)
        position, velocity = interpolate_cubic(
            recording.gather(lambda motion: motion.time),
            recording.gather(lambda motion: motion.joint_position),
            recording.gather(lambda motion: motion.joint_velocity),
            schedule.measured,
        )
        recording.write(f"ideal/{self.name}/joint_position", position)
        recording.write(f"ideal/{self.name}/joint_velocity", velocity)
        # What the robot believes of its joints is what its encoders say.
        position = position - recording.gather(_joint_offset)[:, None]
        profiles, rate = self.profiles(recording), float(self.timing.sampling_rate)
        # Velocities are differences: encoders have read for a while before the window, at the speed it begins with.
        every = profiles if isinstance(profiles, list) else [profiles]
        warm = max(profile.velocity_window + _filter_samples(profile.velocity_cutoff, rate) for profile in every)
        back = np.arange(-warm, 0)[:, None] / rate
        position = np.concatenate([position[:, :1] + velocity[:, :1] * back, position], axis=1)
        # Counters are told where they begin, absolute encoders know it.
        counts = np.array([0.0 if profile.absolute else 1.0 for profile in every])[:, None]
        # What slides turns its encoder by a pinion.
        arm = np.where(self.setup.slides, PINION_RADIUS, 1.0)
        turned = position / arm
        reading = apply_encoder(turned, profiles, rate=rate, home=counts * turned[:, 0], **self.noise(recording))
        self.receive(recording, schedule, "joint_position", reading.position[:, warm:] * arm)
        self.receive(recording, schedule, "joint_velocity", reading.velocity[:, warm:] * arm)


def _joint_offset(motion: Motion) -> Array:
    offset = motion.joint_offset
    return np.zeros(motion.joint_position.shape[1]) if offset is None else offset


def _filter_samples(cutoff: float, rate: float) -> int:
    """Return the samples that a velocity filter needs to settle; 0 where there is none."""
    return math.ceil(_SETTLED * rate / (2.0 * math.pi * cutoff)) if cutoff > 0.0 else 0
