"""Force/torque sensors of a rig: what a link exerts on what carries it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.force_torque import apply_force_torque
from ...kernels.tool_load import tool_wrench
from ...kernels.transforms import compose_pose, cross_product
from ..motion import Motion
from .interpolation import interpolate_linear
from .reader import InstrumentReader, Shapes
from .recorded_rows import RecordedRows

_NANOSECONDS = 1e9


class ForceTorqueReader(InstrumentReader):
    """Reads a force/torque sensor in the joint above a link.

    The contact wrench is what remains without weight and inertia of all that hangs on the sensor, which are known here
    from the simulation: a controller that knows its tool perfectly would compute the same.
    """

    def shapes(self) -> Shapes:
        """List what it adds to a row."""
        name, six = self.name, (self.samples, 6)
        return self.series_shapes() | {
            f"sensor/{name}/wrench": (np.float32, six),
            f"sensor/{name}/contact_wrench": (np.float32, six),
            f"sensor/{name}/overload": (np.uint8, six),
            f"ideal/{name}/wrench": (np.float64, six),
            f"ideal/{name}/contact_wrench": (np.float64, six),
        }

    def read(self, recording: RecordedRows) -> None:
        """Fill its arrays of some rows."""
        schedule, name = self.schedule(recording), self.name
        time = recording.gather(lambda motion: motion.time)
        felt = interpolate_linear(time, recording.gather(self._felt), schedule.measured)
        tool = interpolate_linear(time, recording.gather(self._tool), schedule.measured)
        reading = apply_force_torque(
            felt, self.profiles(recording), rate=float(self.timing.sampling_rate), **self.noise(recording)
        )
        recording.write(f"ideal/{name}/wrench", felt)
        recording.write(f"ideal/{name}/contact_wrench", felt - tool)
        self.receive(recording, schedule, "wrench", reading.wrench)
        self.receive(recording, schedule, "contact_wrench", reading.wrench - tool)
        self.receive(recording, schedule, "overload", reading.overload)

    def _felt(self, motion: Motion) -> NDArray[np.float64]:
        """Return the wrench at the sensor's origin along its axes, shape (T, 6)."""
        wrench = motion.wrench[self.mount.mount]
        force, torque = wrench[:, :3], wrench[:, 3:]
        moved = torque - cross_product(np.broadcast_to(np.array(self.mount.position), force.shape), force)
        return np.concatenate([self._turn(force), self._turn(moved)], axis=1)

    def _tool(self, motion: Motion) -> NDArray[np.float64]:
        """Return weight and inertia of all beyond the sensor, shape (T, 6)."""
        load, mount = motion.load[self.mount.mount], self.mount
        seconds = motion.time / _NANOSECONDS
        pose = compose_pose(motion.frames[mount.mount].pose, mount.pose_mount_sensor)
        return tool_wrench(
            pose,
            load.mass,
            self._turn(load.center - np.array(mount.position)),
            center_acceleration=_derive(load.center_velocity, seconds),
            angular_momentum_rate=_derive(load.angular_momentum, seconds),
            gravity=motion.gravity,
        )

    def _turn(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """Turn vectors from the link's axes to the sensor's."""
        turn, (x, y, z) = self.mount.pose_mount_sensor, np.moveaxis(vectors, -1, 0)
        return np.stack([x * turn[0, k] + y * turn[1, k] + z * turn[2, k] for k in range(3)], axis=-1)


def _derive(values: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return time derivatives by differences of second order, at the ends too; 0 for fewer than three instants."""
    if len(values) < 3:
        return np.zeros_like(values)
    return np.asarray(np.gradient(values, seconds, axis=0, edge_order=2))
