"""Inertial measurement units of a rig: specific force and turn rate at the place where they are mounted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...kernels.inertial import apply_imu
from ...kernels.inertial_truth import inertial_motion
from ...kernels.resampling import resample_means
from ...kernels.trajectory import interpolate_trajectory
from ...kernels.transforms import compose_pose
from .reader import InstrumentReader, Shapes
from .recorded_rows import RecordedRows

_NANOSECONDS = 1e9


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

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, name, mount = self.schedule(recording), self.name, self.mount
        time = recording.gather(lambda motion: motion.time)
        pose = recording.gather(lambda motion: motion.frames[mount.mount].pose)
        force, turn = inertial_motion(
            pose,
            recording.gather(lambda motion: motion.frames[mount.mount].linear_velocity),
            recording.gather(lambda motion: motion.frames[mount.mount].angular_velocity),
            rate=_NANOSECONDS * (time.shape[1] - 1) / float(time[0, -1] - time[0, 0]),
            gravity=recording.motions[0].gravity,
            pose_body_sensor=mount.pose_mount_sensor,
            twists="instant",
            threads=self.setup.threads,
        )
        period = round(self.timing.period)
        felt = np.concatenate([force, turn], axis=2)
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
        recording.write(f"sensor/{name}/saturated", full)
        where = interpolate_trajectory(compose_pose(pose, mount.pose_mount_sensor), time, schedule.measured)
        recording.write(f"ideal/{name}/pose_world_sensor", where)
        self.receive(recording, schedule, "specific_force", reading.specific_force)
        self.receive(recording, schedule, "angular_rate", reading.angular_rate)
