"""The world: the only file that talks to PyBullet's physics. Collision shapes only; nothing is ever drawn.

Free bodies are Bullet's plain ("maximal coordinates"), which step twice as fast; a world is a function of its calls.
"""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from .hulls import COLLISION_MARGIN, Hulls, write_hulls
from .physics import ANGULAR_DAMPING, LINEAR_DAMPING, Settled, Surface, WorldError
from .physics_urdf import prepare_urdf
from .quiet import quiet_output
from .world_guard import WorldGuard
from .world_holds import HoldOperations
from .world_motion import MotionOperations
from .world_reading import ReadingOperations
from .world_robots import RobotOperations
from .world_soft import SoftOperations

__all__ = ["World", "WorldError"]


def _import_bullet() -> Any:
    try:
        with quiet_output(1, 2):  # it greets on standard error
            import pybullet
    except ImportError as error:
        raise WorldError(
            "PyBullet is not installed, and scenes need it; its wheels end at Python 3.11, for later ones install it "
            "from conda-forge (rendering replay files, sensing and loading work without it)"
        ) from error
    return pybullet


class World(ReadingOperations, RobotOperations, MotionOperations, HoldOperations, SoftOperations):
    """A physics world without a window.

    Args:
        time_step: Length of a step [s], range (0, 0.02].
        solver_iterations: Iterations of the contact solver per step, >= 1.
        gravity: Acceleration downwards [m/s^2].
        deformable: Whether soft bodies can be added.

    Raises:
        WorldError: If PyBullet is not installed or gives no client.
        ValueError: If an argument is out of range.

    Example:
        >>> with World() as world:
        ...     floor = world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
        ...     ball = world.add_sphere(0.05, position=(0, 0, 0.3), mass=0.1)
        ...     world.settle([ball])
    """

    def __init__(
        self,
        *,
        time_step: float = 1.0 / 240.0,
        solver_iterations: int = 10,
        gravity: float = 9.81,
        deformable: bool = False,
    ) -> None:
        if not 0.0 < time_step <= 0.02:
            raise ValueError(f"time_step must be in (0, 0.02] s, got {time_step}")
        if solver_iterations < 1:
            raise ValueError(f"solver_iterations must be at least 1, got {solver_iterations}")
        self._bullet = _import_bullet()
        self._error: type[BaseException] = self._bullet.error
        self.time_step = time_step
        self._iterations = solver_iterations
        self._gravity = gravity
        self._pull = (0.0, 0.0, -gravity)
        self._deformable = deformable
        self._client = int(self._bullet.connect(self._bullet.DIRECT))
        if self._client < 0:
            raise WorldError("PyBullet gave no physics client; too many worlds are open in this process, close some")
        self._folder = Path(tempfile.mkdtemp(prefix="simloom-world-"))
        # Also where the interpreter ends with a world open, which runs no destructor for certain.
        self._remove_folder = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._urdfs: dict[tuple[Path, Callable[[Element], None] | None], Path] = {}
        self._robots: set[int] = set()
        self.reset()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the client and the temporary files; calling it again does nothing."""
        if self._client >= 0:
            client, self._client = self._client, -1
            try:
                self._bullet.disconnect(physicsClientId=client)
            finally:
                self._remove_folder()

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if getattr(self, "_client", -1) >= 0 and not is_finalizing():  # when PyBullet may be half gone
            self.close()

    def _guard(self, what: str) -> WorldGuard:
        if self._client < 0:
            raise WorldError(f"{what}: the world is closed")
        return WorldGuard(what, self._error)

    def reset(self) -> None:
        """Remove everything and start anew, at time 0."""
        bullet, client = self._bullet, self._client
        with self._guard("the world cannot be reset"):
            flags = bullet.RESET_USE_DEFORMABLE_WORLD if self._deformable else 0
            bullet.resetSimulation(flags, physicsClientId=client)
            bullet.setPhysicsEngineParameter(
                fixedTimeStep=self.time_step,
                numSolverIterations=self._iterations,
                deterministicOverlappingPairs=1,
                enableFileCaching=0,  # hull files are written anew under the same names
                physicsClientId=client,
            )
            bullet.setGravity(0.0, 0.0, -self._gravity, physicsClientId=client)
        self._pull = (0.0, 0.0, -self._gravity)
        self._robots.clear()
        self._time = 0.0

    def tilt_gravity(self, tilt: float, direction: float) -> None:
        """Let gravity pull at an angle to -z [rad], towards a direction about z [rad], until the next reset.

        `gravity` stays its size; recorders of motion take it as straight down.
        """
        aside = self._gravity * math.sin(tilt)
        pull = (aside * math.cos(direction), aside * math.sin(direction), -self._gravity * math.cos(tilt))
        with self._guard("gravity cannot be tilted"):
            self._bullet.setGravity(*pull, physicsClientId=self._client)
        self._pull = pull

    @property
    def time(self) -> float:
        """Simulated time since the reset [s]."""
        return self._time

    @property
    def gravity(self) -> float:
        """Size of the acceleration [m/s^2]."""
        return self._gravity

    @property
    def gravity_vector(self) -> tuple[float, float, float]:
        """Acceleration [m/s^2], straight down unless it is tilted."""
        return self._pull

    # ---- bodies -----------------------------------------------------------------------------------------------------

    def add_box(self, half_extents: Sequence[float], **placement: Any) -> int:
        """Add a box.

        Args:
            half_extents: Half of each side [m], shape (3,), > 0.
            **placement: `position` (3,) [m], `quaternion` (4,) xyzw, `mass` [kg] (0 = immovable), `surface`,
                `damping`: share of the speed and of the turn rate lost in a second (2,).

        Returns:
            The body.

        Raises:
            WorldError: If it cannot be made.
        """
        sides = _sizes("half_extents", half_extents)
        shape = self._shape("a box", self._bullet.GEOM_BOX, halfExtents=sides)
        return self._body("a box", shape, margin=min(COLLISION_MARGIN, 0.1 * min(sides)), **placement)

    def add_sphere(self, radius: float, **placement: Any) -> int:
        """Add a sphere of a radius [m]; the rest as for `add_box`."""
        shape = self._shape("a sphere", self._bullet.GEOM_SPHERE, radius=_sizes("radius", [radius])[0])
        return self._body("a sphere", shape, margin=None, **placement)

    def add_cylinder(self, radius: float, height: float, **placement: Any) -> int:
        """Add a cylinder along z of a radius and height [m]; the rest as for `add_box`."""
        radius, height = _sizes("radius and height", [radius, height])
        shape = self._shape("a cylinder", self._bullet.GEOM_CYLINDER, radius=radius, height=height)
        return self._body("a cylinder", shape, margin=min(COLLISION_MARGIN, 0.1 * min(radius, height)), **placement)

    def add_capsule(self, radius: float, length: float, **placement: Any) -> int:
        """Add a capsule along z of a radius and a length between its centres [m]; the rest as for `add_box`."""
        radius, length = _sizes("radius and length", [radius, length])
        shape = self._shape("a capsule", self._bullet.GEOM_CAPSULE, radius=radius, height=length)
        return self._body("a capsule", shape, margin=None, **placement)

    def add_hulls(self, hulls: Hulls, scale: float, **placement: Any) -> int:
        """Add a body of convex parts.

        Args:
            hulls: The parts; their frame's origin is taken as the centre of mass.
            scale: Size of the body over that of the hulls, > 0.
            **placement: As for `add_box`.

        Returns:
            The body.

        Raises:
            WorldError: If it cannot be made.
        """
        (scale,) = _sizes("scale", [scale])
        path = self._folder / "hulls.obj"
        write_hulls(hulls, scale, path)
        shape = self._shape("a body of hulls", self._bullet.GEOM_MESH, fileName=str(path))
        return self._body("a body of hulls", shape, margin=None, **placement)

    def add_plane(self, **placement: Any) -> int:
        """Add a boundless level floor, z = 0 in its frame; the rest as for `add_box`."""
        return self._body("a plane", self._shape("a plane", self._bullet.GEOM_PLANE), margin=None, **placement)

    def _shape(self, what: str, kind: int, **arguments: Any) -> int:
        with self._guard(f"the shape of {what} cannot be made"):
            shape = int(self._bullet.createCollisionShape(kind, physicsClientId=self._client, **arguments))
        if shape < 0:
            raise WorldError(f"the shape of {what} cannot be made")
        return shape

    def _body(
        self,
        what: str,
        shape: int,
        *,
        margin: float | None,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        quaternion: Sequence[float] = (0.0, 0.0, 0.0, 1.0),
        mass: float = 0.0,
        surface: Surface | None = None,
        damping: tuple[float, float] = (LINEAR_DAMPING, ANGULAR_DAMPING),
    ) -> int:
        if not (math.isfinite(mass) and mass >= 0):
            raise WorldError(f"{what} cannot have the mass {mass} kg; it must be finite and >= 0")
        bullet, client = self._bullet, self._client
        chosen = surface or Surface()
        with self._guard(f"{what} cannot be made"):
            body = int(
                bullet.createMultiBody(
                    baseMass=mass,
                    baseCollisionShapeIndex=shape,
                    baseVisualShapeIndex=-1,
                    basePosition=list(position),
                    baseOrientation=list(quaternion),
                    useMaximalCoordinates=1,
                    physicsClientId=client,
                )
            )
            more = {} if margin is None else {"collisionMargin": margin}
            bullet.changeDynamics(
                body,
                -1,
                lateralFriction=chosen.friction,
                restitution=chosen.restitution,
                rollingFriction=chosen.rolling_friction,
                spinningFriction=chosen.spinning_friction,
                contactProcessingThreshold=0.0,  # no contact forces before surfaces touch
                linearDamping=damping[0],
                angularDamping=damping[1],
                activationState=bullet.ACTIVATION_STATE_DISABLE_SLEEPING,
                physicsClientId=client,
                **more,
            )
        return body

    def add_urdf(
        self,
        path: str | Path,
        *,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        quaternion: Sequence[float] = (0.0, 0.0, 0.0, 1.0),
        fixed: bool = True,
        own_inertia: bool = False,
        rewrite: Callable[[Element], None] | None = None,
    ) -> int:
        """Add a robot from a URDF; only its collision shapes are loaded.

        Args:
            path: The URDF.
            position: Origin of its base link [m].
            quaternion: Rotation of its base link, xyzw.
            fixed: Whether the base is immovable.
            own_inertia: Whether links have the inertia that the file states; else that of their collision shapes.
            rewrite: What to change in the file for physics; a function, not a lambda made for each call.

        Returns:
            The body.

        Raises:
            WorldError: If the file is missing or broken; the message names it.
        """
        file = Path(path)
        key = (file, rewrite)
        if key not in self._urdfs:
            self._urdfs[key] = prepare_urdf(file, self._folder / f"urdf{len(self._urdfs)}", rewrite)
        bullet = self._bullet
        with self._guard(f"{file} cannot be loaded"):
            flags = bullet.URDF_USE_SELF_COLLISION | bullet.URDF_USE_SELF_COLLISION_EXCLUDE_PARENT
            flags |= bullet.URDF_USE_INERTIA_FROM_FILE if own_inertia else 0
            body = int(
                bullet.loadURDF(
                    str(self._urdfs[key]),
                    basePosition=list(position),
                    baseOrientation=list(quaternion),
                    useFixedBase=1 if fixed else 0,
                    flags=flags,
                    physicsClientId=self._client,
                )
            )
        self._robots.add(body)
        return body

    # ---- time -------------------------------------------------------------------------------------------------------

    def step(self, count: int = 1) -> None:
        """Advance by a number of steps."""
        if self._client < 0:
            raise WorldError("the world cannot be stepped: it is closed")
        advance, client = self._bullet.stepSimulation, self._client
        for _ in range(count):
            advance(physicsClientId=client)
        self._time += count * self.time_step

    def settle(
        self,
        bodies: Sequence[int],
        *,
        max_steps: int = 720,
        linear_tolerance: float = 0.005,
        angular_tolerance: float = 0.15,
        check_every: int = 8,
        calm_checks: int = 4,
        look: Callable[[], bool] | None = None,
    ) -> Settled:
        """Step until free bodies are at rest.

        Args:
            bodies: The bodies to watch.
            max_steps: Steps after which to give up.
            linear_tolerance: Speed below which a body rests [m/s].
            angular_tolerance: Turn rate below which a body rests [rad/s].
            check_every: Steps between two looks.
            calm_checks: Looks in a row at which all must rest.
            look: Called at each look; True ends it, not at rest. `PhysicsWatch.look` is one.

        Returns:
            How it ended.
        """
        steps = calm = 0
        linear = angular = math.inf
        while steps < max_steps:
            count = min(check_every, max_steps - steps)
            self.step(count)
            steps += count
            linear, angular = self._fastest(bodies)
            if look is not None and look():
                break
            calm = calm + 1 if linear < linear_tolerance and angular < angular_tolerance else 0
            if calm >= calm_checks:
                return Settled(at_rest=True, steps=steps, linear_speed=linear, angular_speed=angular)
        return Settled(at_rest=False, steps=steps, linear_speed=linear, angular_speed=angular)

    def _fastest(self, bodies: Sequence[int]) -> tuple[float, float]:
        read, client = self._bullet.getBaseVelocity, self._client
        linear = angular = 0.0  # squares
        for body in bodies:
            (v, u, w), (a, b, c) = read(body, physicsClientId=client)
            speed, turn = v * v + u * u + w * w, a * a + b * b + c * c
            if not math.isfinite(speed + turn):  # a comparison would pass over what is no number
                return math.inf, math.inf
            linear = speed if speed > linear else linear
            angular = turn if turn > angular else angular
        return math.sqrt(linear), math.sqrt(angular)


def _sizes(name: str, values: Sequence[float]) -> list[float]:
    sizes = [float(value) for value in values]
    if not all(math.isfinite(size) and 0 < size < 1e4 for size in sizes):
        raise WorldError(f"{name} must be in (0, 10000) m, got {sizes}")
    return sizes
