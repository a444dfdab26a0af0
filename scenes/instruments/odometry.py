"""Wheel odometry of a rig: where the wheels' encoders say that the robot went since the motion began."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...kernels.observation_timing import ObservationTiming
from ...kernels.odometry import apply_odometry
from ...kernels.trajectory import interpolate_trajectory
from .interpolation import interpolate_cubic
from .mount import InstrumentMount
from .reader import InstrumentReader, InstrumentSetup, Shapes
from .recorded_rows import RecordedRows


class OdometryReader(InstrumentReader):
    """Reads odometry from the angles of a robot's wheels, which slip as the physics has it.

    What the profile says of radius and base gives way to the robot's own; its tolerances, counts and slip stay.

    Raises:
        ValueError: If the scene's robot has no wheels.
    """

    lead: ClassVar[int] = 1

    def __init__(self, mount: InstrumentMount, setup: InstrumentSetup) -> None:
        super().__init__(mount, setup)
        if setup.drive is None:
            raise ValueError(f"sensor {mount.name!r}: the scene's robot has no wheels for odometry to read")
        self.drive = setup.drive

    @staticmethod
    def default_timing(profile: Any) -> ObservationTiming:
        """Return when it is read where its mount does not say."""
        timing: ObservationTiming = profile.timing
        return timing

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name = self.name
        return self.series_shapes() | {
            f"sensor/{name}/planar_pose": (np.float64, (self.samples, 3)),
            f"sensor/{name}/planar_twist": (np.float64, (self.samples, 2)),
            f"ideal/{name}/planar_pose": (np.float64, (self.samples, 3)),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, name, drive = self.schedule(recording), self.name, self.drive
        # One sample more before the first: counts tell a speed from there on.
        before = schedule.measured[:, :1] - round(self.timing.period)
        stamps = np.concatenate([np.maximum(before, recording.start[:, None]), schedule.measured], axis=1)
        time = recording.gather(lambda motion: motion.time)
        angle, _ = interpolate_cubic(
            time,
            recording.gather(lambda motion: motion.joint_position),
            recording.gather(lambda motion: motion.joint_velocity),
            stamps,
        )
        sides = [np.mean(angle[..., list(wheels)], axis=-1) for wheels in (drive.left, drive.right)]
        profiles = self.profiles(recording)
        fitted = [
            dataclasses.replace(profile, wheel_radius=drive.radius, base_width=drive.track)
            for profile in (profiles if isinstance(profiles, list) else [profiles])
        ]
        reading = apply_odometry(
            np.stack(sides, axis=-1),
            fitted if isinstance(profiles, list) else fitted[0],
            given="wheel_angle",
            rate=float(self.timing.sampling_rate),
            **self.noise(recording),
        )
        pose = recording.gather(lambda motion: motion.frames[drive.base].pose)
        where = interpolate_trajectory(pose, time, stamps, threads=self.setup.threads)
        recording.write(f"ideal/{name}/planar_pose", planar_path(where)[:, 1:])
        self.receive(recording, schedule, "planar_pose", reading.pose[:, 1:])
        self.receive(recording, schedule, "planar_twist", reading.twist[:, 1:])


def planar_path(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where poses lead on the ground, seen from the first one.

    Args:
        pose: Poses that map a robot's base to the world, shape (R, K, 4, 4).

    Returns:
        x, y [m] and yaw [rad, not wrapped], shape (R, K, 3).
    """
    yaw = np.unwrap(np.arctan2(pose[..., 1, 0], pose[..., 0, 0]), axis=1)
    away = pose[..., :2, 3] - pose[:, :1, :2, 3]
    c, s = np.cos(yaw[:, :1]), np.sin(yaw[:, :1])
    x, y = away[..., 0], away[..., 1]
    return np.stack([c * x + s * y, c * y - s * x, yaw - yaw[:, :1]], axis=-1)
