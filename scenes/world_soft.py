"""What a world can do with soft bodies: add them, and read where their vertices are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .physics import WorldError

Array = NDArray[np.float64]


class SoftOperations(ABC):
    """The part of `World` that deals with cloth; it needs `World(deformable=True)`.

    Bullet's vertices are those of the OBJ file's `v` lines, one to one and in their order (checked with PyBullet 3.2.7
    and its cloth_z_up.obj). Its tetrahedral bodies have vertices of their own, which no file of a surface shares; they
    are not offered here.
    """

    _bullet: Any
    _client: int
    _deformable: bool

    @abstractmethod
    def _guard(self, what: str) -> AbstractContextManager[None]:
        """Turn PyBullet's errors into ours, which say what could not be done."""

    def add_cloth(
        self,
        path: str | Path,
        *,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        quaternion: Sequence[float] = (0.0, 0.0, 0.0, 1.0),
        scale: float = 1.0,
        mass: float = 0.1,
        stiffness: float = 40.0,
        damping: float = 0.1,
        friction: float = 0.5,
    ) -> int:
        """Add a sheet of springs along the edges of a triangle mesh.

        Args:
            path: OBJ file.
            position: Where its origin is put [m].
            quaternion: How it is turned, xyzw.
            scale: Size over that of the file, > 0.
            mass: Of the whole [kg], > 0.
            stiffness: Of the springs [N/m].
            damping: Of the springs [N s/m].
            friction: Against rigid bodies.

        Returns:
            The body.

        Raises:
            WorldError: If the world is not deformable, or the file cannot be loaded.

        Example:
            >>> with World(deformable=True) as world:
            ...     cloth = world.add_cloth("cloth.obj", position=(0, 0, 0.6))
        """
        if not self._deformable:
            raise WorldError("soft bodies need a deformable world; make it with World(deformable=True)")
        if not Path(path).is_file():
            raise WorldError(f"cloth file {path} does not exist")
        with self._guard(f"cloth {path} cannot be loaded"):
            return int(
                self._bullet.loadSoftBody(
                    str(path),
                    basePosition=list(position),
                    baseOrientation=list(quaternion),
                    scale=scale,
                    mass=mass,
                    useMassSpring=1,
                    useBendingSprings=1,
                    useFaceContact=1,
                    springElasticStiffness=stiffness,
                    springDampingStiffness=damping,
                    springDampingAllDirections=1,
                    frictionCoeff=friction,
                    physicsClientId=self._client,
                )
            )

    def soft_vertices(self, body: int) -> Array:
        """Return where a soft body's vertices are, world frame [m], shape (vertices, 3), in the OBJ file's order."""
        with self._guard(f"body {body} has no vertices"):
            count, vertices = self._bullet.getMeshData(
                body, -1, flags=self._bullet.MESH_DATA_SIMULATION_MESH, physicsClientId=self._client
            )
        return np.array(vertices, np.float64).reshape(count, 3)
