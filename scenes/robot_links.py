"""A robot's links by name: what a rig's mounts refer to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..renderers.urdf import UrdfLink, load_urdf_links
from .sensors import Rig
from .space import nearest

Array = NDArray[np.float64]


class RobotLinks:
    """The links of a robot.

    Args:
        urdf: Its URDF; the file's name is the robot's.
    """

    def __init__(self, urdf: Path) -> None:
        self.name = urdf.stem
        self.links: tuple[UrdfLink, ...] = load_urdf_links(urdf)

    def find(self, name: str) -> int | None:
        """Return the row of a link, 0 = the base, by its name with or without the robot's name before it."""
        for row, link in enumerate(self.links):
            if link.name in (name, f"{self.name}_{name}"):
                return row
        return None

    def mount_rows(self, rig: Rig, *, floats: bool = False) -> dict[str, int]:
        """Return the row of the link that carries each sensor which is fixed to one.

        Args:
            rig: The rig.
            floats: Whether the robot's base is free, so that nothing holds what is fixed to it.

        Returns:
            Mount, such as `panda/hand`, to row.

        Raises:
            ValueError: If a mount names another robot, or a link that is not there (the nearest is named).
        """
        rows = {}
        for mount in rig.sensors:
            if mount.mount == "world":
                continue
            robot, _, link = mount.mount.partition("/")
            if robot != self.name:
                raise ValueError(f"sensor {mount.name!r}: there is no robot {robot!r}; it is {self.name!r}")
            row = self.find(link)
            if row is None:
                known = nearest(link, [known.name for known in self.links])
                raise ValueError(f"sensor {mount.name!r}: {robot} has no link {link!r}; {known}")
            if mount.profile("force_torque") is not None and (row == 0 or (floats and self._is_rigid(row))):
                raise ValueError(
                    f"sensor {mount.name!r}: {link!r} is the base, or fixed to it, and hangs on no joint; mount it on "
                    "a link that does"
                )
            rows[mount.mount] = row
        return rows

    def _is_rigid(self, row: int) -> bool:
        """Tell whether a link is fixed to the base."""
        link = self.links[row]
        while link.parent > -2 and link.joint_type == "fixed":
            link = self.links[link.parent + 1]
        return link.parent == -2

    def carriers(self, rows: Mapping[str, int], poses: Array) -> dict[str, Array]:
        """Return the pose of the link that carries each mount, from the poses of all links."""
        return {mount: poses[row] for mount, row in rows.items()}
