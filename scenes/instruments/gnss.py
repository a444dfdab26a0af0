"""Satellite receivers of a rig: position and velocity of an antenna; the world's x points east, its y north."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.gnss import apply_gnss
from ...kernels.observation_timing import ObservationTiming
from ...kernels.transforms import cross_product
from .interpolation import interpolate_cubic, interpolate_linear
from .reader import InstrumentReader, Shapes
from .recorded_rows import RecordedRows

_SETTLED = 10.0
"""Times the start-up time that a receiver has been on when a motion begins."""


class GnssReader(InstrumentReader):
    """Reads a receiver that has been on for long."""

    @staticmethod
    def default_timing(profile: Any) -> ObservationTiming:
        """Return when fixes come where the mount does not say."""
        timing: ObservationTiming = profile.timing
        return timing

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name, vector = self.name, (self.samples, 3)
        return self.series_shapes() | {
            f"sensor/{name}/position": (np.float64, vector),
            f"sensor/{name}/velocity": (np.float32, vector),
            f"sensor/{name}/fix": (np.uint8, (self.samples,)),
            f"ideal/{name}/position": (np.float64, vector),
            f"ideal/{name}/velocity": (np.float64, vector),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, mount, name = self.schedule(recording), self.mount.mount, self.name
        time = recording.gather(lambda motion: motion.time)
        pose = recording.gather(lambda motion: motion.frames[mount].pose)
        x, y, z = self.mount.position
        arm = pose[..., :3, 0] * x + pose[..., :3, 1] * y + pose[..., :3, 2] * z
        turn = recording.gather(lambda motion: motion.frames[mount].angular_velocity)
        linear = recording.gather(lambda motion: motion.frames[mount].linear_velocity)
        speed = linear + cross_product(turn, arm)
        position, _ = interpolate_cubic(time, pose[..., :3, 3] + arm, speed, schedule.measured)
        velocity = interpolate_linear(time, speed, schedule.measured)
        recording.write(f"ideal/{name}/position", position)
        recording.write(f"ideal/{name}/velocity", velocity)
        profiles, rate = self.profiles(recording), float(self.timing.sampling_rate)
        every = profiles if isinstance(profiles, list) else [profiles]
        noise = self.noise(recording)
        del noise["unit"]  # all receivers of a kind are alike
        reading = apply_gnss(
            position,
            velocity,
            profiles,
            rate=rate,
            first=math.ceil(_SETTLED * rate * max(profile.startup_time for profile in every)),
            **noise,
        )
        self.receive(recording, schedule, "position", reading.position)
        self.receive(recording, schedule, "velocity", reading.velocity)
        self.receive(recording, schedule, "fix", reading.status)
