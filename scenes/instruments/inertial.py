"""Inertial measurement units of a rig: specific force and turn rate at the place where they are mounted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...kernels.inertial import apply_imu
from ...kernels.inertial_truth import inertial_motion
from ...kernels.resampling import resample_means
from ...kernels.trajectory import interpolate_trajectory
from ...kernels.transforms import compose_pose
from ..motion import Motion
from .reader import InstrumentReader, Shapes
from .recorded_rows import RecordedRows


class InertialReader(InstrumentReader):
    """Reads an inertial unit: each sample is the mean over the interval that ends at its stamp."""

    lead: ClassVar[int] = 1

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name, vector = self.name, (self.samples, 3)
        ideal = ("specific_force", "angular_rate", "gyroscope_bias", "accelerometer_bias")
        return self.series_shapes() | {
            f"sensor/{name}/specific_force": (np.float32, vector),
            f"sensor/{name}/angular_rate": (np.float32, vector),
            f"sensor/{name}/saturated": (np.uint8, (self.samples, 6)),
            **{f"ideal/{name}/{truth}": (np.float64, vector) for truth in ideal},
            f"ideal/{name}/pose_world_sensor": (np.float64, (self.samples, 4, 4)),
        }

    def _feel(self, motion: Motion) -> NDArray[np.float64]:
        """Return mean specific force and turn rate over each step, shape (T - 1, 6)."""
        frame = motion.frames[self.mount.mount]
        force, turn = inertial_motion(
            frame.pose[None],
            frame.linear_velocity[None],
            frame.angular_velocity[None],
            rate=self.setup.steps_per_second,
            gravity=motion.gravity,
            pose_body_sensor=self.mount.pose_mount_sensor,
            twists="instant",
            threads=self.setup.threads,
        )
        return np.concatenate([force[0], turn[0]], axis=1)

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, name, mount = self.schedule(recording), self.name, self.mount
        time = recording.gather(lambda motion: motion.time)
        pose = recording.gather(lambda motion: motion.frames[mount.mount].pose)
        # Motion by motion: nothing may depend on which others are in the batch.
        felt = recording.gather(self._feel)
        period = round(self.timing.period)
        means = np.empty((len(time), self.samples, 6))
        for row, stamps in enumerate(schedule.measured):
            edges = np.concatenate([[max(stamps[0] - period, time[row, 0])], stamps])
            means[row] = resample_means(felt[row : row + 1], time[row], edges, threads=self.setup.threads)[0]
        reading = apply_imu(
            np.ascontiguousarray(means[..., :3]),
            np.ascontiguousarray(means[..., 3:]),
            self.profiles(recording),
            rate=float(self.timing.sampling_rate),
            **self.noise(recording),
        )
        recording.write(f"ideal/{name}/specific_force", means[..., :3])
        recording.write(f"ideal/{name}/angular_rate", means[..., 3:])
        recording.write(f"ideal/{name}/gyroscope_bias", reading.gyroscope_bias)
        recording.write(f"ideal/{name}/accelerometer_bias", reading.accelerometer_bias)
        full = np.concatenate([reading.gyroscope_saturated, reading.accelerometer_saturated], axis=2)
        self.receive(recording, schedule, "saturated", full)
        where = interpolate_trajectory(compose_pose(pose, mount.pose_mount_sensor), time, schedule.measured)
        recording.write(f"ideal/{name}/pose_world_sensor", where)
        self.receive(recording, schedule, "specific_force", reading.specific_force)
        self.receive(recording, schedule, "angular_rate", reading.angular_rate)
