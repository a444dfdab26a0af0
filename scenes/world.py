"""The world: the only file that talks to PyBullet's physics. Collision shapes only; nothing is ever drawn.

Free bodies are Bullet's plain rigid bodies ("maximal coordinates"), which step in half the time of its articulated
ones; robots are articulated. Every scenario starts from `reset` and makes its bodies in the same order: then a world is
a pure function of the calls made since.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion, quaternion_from_pose
from .hulls import COLLISION_MARGIN, Hulls, compact_collision_meshes, write_hulls

Array = NDArray[np.float64]
MAX_BODIES: Final = 4096
"""Bodies of one world."""


class WorldError(RuntimeError):
    """A body that cannot be made, or a physics engine that is not there; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """How a body's surface behaves in contact. Bullet multiplies the coefficients of the two bodies that touch."""

    friction: float = 0.7
    """Coulomb coefficient of the body [1], >= 0."""
    restitution: float = 0.0
    """Coefficient of restitution [1], range [0, 1]."""
    rolling_friction: float = 0.001
    """Resistance to rolling: lever arm of the normal force [m], >= 0."""
    spinning_friction: float = 0.001
    """Resistance to spinning about the normal: lever arm [m], >= 0."""

    def __post_init__(self) -> None:
        for name in ("friction", "restitution", "rolling_friction", "spinning_friction"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number >= 0, got {value}")
        if self.restitution > 1:
            raise ValueError(f"restitution must be in [0, 1], got {self.restitution}; above 1 contacts make energy")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How settling ended."""

    at_rest: bool
    """Whether everything came to rest."""
    steps: int
    """Steps taken."""
    linear_speed: float
    """Largest speed at the end [m/s]."""
    angular_speed: float
    """Largest turn rate at the end [rad/s]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contacts:
    """Contact points; K of them, in the engine's order, which is reproducible."""

    bodies: NDArray[np.int64]
    """Body a and b of each, shape (K, 2)."""
    links: NDArray[np.int64]
    """Link of a and of b, -1 = base, shape (K, 2)."""
    position: Array
    """Point on b [m], world frame, shape (K, 3)."""
    normal: Array
    """Unit normal on b, towards a, world frame, shape (K, 3)."""
    force: Array
    """Normal force during the last step [N], shape (K,)."""
    distance: Array
    """Gap between the surfaces [m], shape (K,); negative = penetration."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """One movable joint of a robot."""

    index: int
    """Index of the joint, and of the link it moves, in PyBullet's order."""
    name: str
    """Name of the joint."""
    lower: float
    """Lower limit [rad or m]; -inf where there is none."""
    upper: float
    """Upper limit [rad or m]; inf where there is none."""
    max_force: float
    """Largest force or torque [N or Nm]."""
    max_velocity: float
    """Largest speed [rad/s or m/s]."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what PyBullet's C code prints on import off standard output, where a program's results go."""
    import ctypes
    import os

    try:
        saved = os.dup(1)
    except OSError:  # no standard output at all
        yield
        return
    flush = ctypes.CDLL(None).fflush
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        flush(None)
        os.dup2(sink, 1)
        yield
    finally:
        flush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)


def _import_bullet() -> Any:
    try:
        with _quiet():
            import pybullet
    except ImportError as error:
        raise WorldError(
            "PyBullet is not installed, and scenes need it; its wheels end at Python 3.11, for later ones install it "
            "from conda-forge (rendering replay files, sensing and loading work without it)"
        ) from error
    return pybullet


class World:
    """A physics world without a window.

    Args:
        time_step: Length of a step [s], range (0, 0.02].
        solver_iterations: Iterations of the contact solver per step, >= 1.
        gravity: Acceleration downwards [m/s^2].

    Raises:
        WorldError: If PyBullet is not installed or gives no client.
        ValueError: If an argument is out of range.

    Example:
        >>> with World() as world:
        ...     floor = world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
        ...     ball = world.add_sphere(0.05, position=(0, 0, 0.3), mass=0.1)
        ...     world.settle([ball])
    """

    def __init__(self, *, time_step: float = 1.0 / 240.0, solver_iterations: int = 10, gravity: float = 9.81) -> None:
        if not 0.0 < time_step <= 0.02:
            raise ValueError(f"time_step must be in (0, 0.02] s, got {time_step}")
        if solver_iterations < 1:
            raise ValueError(f"solver_iterations must be at least 1, got {solver_iterations}")
        self._bullet = _import_bullet()
        self.time_step = time_step
        self._iterations = solver_iterations
        self._gravity = gravity
        self._client = int(self._bullet.connect(self._bullet.DIRECT))
        if self._client < 0:
            raise WorldError("PyBullet gave no physics client; too many worlds are open in this process, close some")
        self._folder = Path(tempfile.mkdtemp(prefix="simloom-world-"))
        self._urdfs: dict[Path, Path] = {}
        self._robots: set[int] = set()
        self._time = 0.0
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
                shutil.rmtree(self._folder, ignore_errors=True)

    def __del__(self) -> None:
        if getattr(self, "_client", -1) >= 0:
            self.close()

    @contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        if self._client < 0:
            raise WorldError(f"{what}: the world is closed")
        try:
            yield
        except self._bullet.error as error:
            raise WorldError(f"{what}: {error}") from error

    def reset(self) -> None:
        """Remove everything and start anew, at time 0."""
        bullet, client = self._bullet, self._client
        with self._guard("the world cannot be reset"):
            bullet.resetSimulation(physicsClientId=client)
            bullet.setPhysicsEngineParameter(
                fixedTimeStep=self.time_step,
                numSolverIterations=self._iterations,
                deterministicOverlappingPairs=1,
                enableFileCaching=0,  # hull files are written anew under the same names
                physicsClientId=client,
            )
            bullet.setGravity(0.0, 0.0, -self._gravity, physicsClientId=client)
        self._robots.clear()
        self._time = 0.0

    @property
    def time(self) -> float:
        """Simulated time since the reset [s]."""
        return self._time

    # ---- bodies -----------------------------------------------------------------------------------------------------

    def add_box(self, half_extents: Sequence[float], **placement: Any) -> int:
        """Add a box.

        Args:
            half_extents: Half of each side [m], shape (3,), > 0.
            **placement: `position` (3,) [m], `quaternion` (4,) xyzw, `mass` [kg] (0 = immovable), `surface`.

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
                linearDamping=0.04,
                angularDamping=0.1,
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
    ) -> int:
        """Add a robot from a URDF; only its collision shapes are loaded.

        Args:
            path: The URDF.
            position: Origin of its base link [m].
            quaternion: Rotation of its base link, xyzw.
            fixed: Whether the base is immovable.

        Returns:
            The body.

        Raises:
            WorldError: If the file is missing or broken; the message names it.
        """
        file = Path(path)
        if file not in self._urdfs:
            self._urdfs[file] = self._prepare_urdf(file)
        bullet = self._bullet
        with self._guard(f"{file} cannot be loaded"):
            flags = bullet.URDF_USE_SELF_COLLISION | bullet.URDF_USE_SELF_COLLISION_EXCLUDE_PARENT
            body = int(
                bullet.loadURDF(
                    str(self._urdfs[file]),
                    basePosition=list(position),
                    baseOrientation=list(quaternion),
                    useFixedBase=1 if fixed else 0,
                    flags=flags,
                    physicsClientId=self._client,
                )
            )
        self._robots.add(body)
        return body

    def _prepare_urdf(self, file: Path) -> Path:
        from ..renderers.urdf import strip_urdf_visuals

        try:
            text = strip_urdf_visuals(file)
            root = ElementTree.fromstring(text)
        except (OSError, ValueError) as error:
            raise WorldError(str(error)) from error
        folder = self._folder / f"urdf{len(self._urdfs)}"
        folder.mkdir()
        compact_collision_meshes(root, folder)
        target = folder / "robot.urdf"
        target.write_text(ElementTree.tostring(root, encoding="unicode"), encoding="utf-8")
        return target

    # ---- time -------------------------------------------------------------------------------------------------------

    def step(self, count: int = 1) -> None:
        """Advance by a number of steps."""
        if self._client < 0:
            raise WorldError("the world cannot be stepped: it is closed")
        for _ in range(count):
            self._bullet.stepSimulation(physicsClientId=self._client)
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
    ) -> Settled:
        """Step until free bodies are at rest.

        Args:
            bodies: The bodies to watch.
            max_steps: Steps after which to give up.
            linear_tolerance: Speed below which a body rests [m/s].
            angular_tolerance: Turn rate below which a body rests [rad/s].
            check_every: Steps between two looks.
            calm_checks: Looks in a row at which all must rest.

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
            calm = calm + 1 if linear < linear_tolerance and angular < angular_tolerance else 0
            if calm >= calm_checks:
                return Settled(at_rest=True, steps=steps, linear_speed=linear, angular_speed=angular)
        return Settled(at_rest=False, steps=steps, linear_speed=linear, angular_speed=angular)

    def _fastest(self, bodies: Sequence[int]) -> tuple[float, float]:
        linear = angular = 0.0
        for body in bodies:
            v, w = self._bullet.getBaseVelocity(body, physicsClientId=self._client)
            linear = max(linear, math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]))
            angular = max(angular, math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]))
        return linear, angular

    # ---- reading ----------------------------------------------------------------------------------------------------

    def body_pose(self, body: int) -> Array:
        """Return the pose of a body of one shape: `pose_world_object`, shape (4, 4)."""
        with self._guard(f"body {body} has no pose"):
            position, quaternion = self._bullet.getBasePositionAndOrientation(body, physicsClientId=self._client)
        return pose_from_position_quaternion(position, quaternion)

    def body_velocity(self, body: int) -> tuple[Array, Array]:
        """Return the velocity [m/s] and the turn rate [rad/s] of a body, world frame, shape (3,) each."""
        with self._guard(f"body {body} has no velocity"):
            linear, angular = self._bullet.getBaseVelocity(body, physicsClientId=self._client)
        return np.array(linear), np.array(angular)

    def place_body(self, body: int, pose_world_object: Array) -> None:
        """Move a body of one shape to a pose, at rest."""
        with self._guard(f"body {body} cannot be moved"):
            self._bullet.resetBasePositionAndOrientation(
                body,
                pose_world_object[:3, 3].tolist(),
                quaternion_from_pose(pose_world_object).tolist(),
                physicsClientId=self._client,
            )

    def contacts(self) -> Contacts:
        """Return the contacts of the last step (or of the last `detect_contacts`)."""
        with self._guard("contacts cannot be read"):
            points = self._bullet.getContactPoints(physicsClientId=self._client)
        return _contacts(points or ())

    def detect_contacts(self) -> None:
        """Find the contacts of the present poses without stepping."""
        with self._guard("contacts cannot be found"):
            self._bullet.performCollisionDetection(physicsClientId=self._client)

    def closest(self, body_a: int, body_b: int, limit: float) -> Contacts:
        """Return the closest points of two bodies' collision shapes.

        Args:
            body_a: A body.
            body_b: Another.
            limit: Gap beyond which nothing is returned [m].

        Returns:
            One entry for each pair of parts within the limit; the force is 0.
        """
        with self._guard(f"bodies {body_a} and {body_b} cannot be compared"):
            points = self._bullet.getClosestPoints(body_a, body_b, limit, physicsClientId=self._client)
        return _contacts(points or ())

    def gap(self, body_a: int, body_b: int, limit: float) -> float:
        """Return the smallest distance between two bodies' collision shapes [m], or `limit` where it is larger."""
        distance = self.closest(body_a, body_b, limit).distance
        return min(limit, float(distance.min())) if distance.size else limit

    # ---- robots -----------------------------------------------------------------------------------------------------

    def joints(self, robot: int) -> tuple[Joint, ...]:
        """Return the movable joints of a robot, in PyBullet's order."""
        bullet, client = self._bullet, self._client
        found = []
        with self._guard(f"body {robot} has no joints"):
            for index in range(bullet.getNumJoints(robot, physicsClientId=client)):
                info = bullet.getJointInfo(robot, index, physicsClientId=client)
                if info[2] not in (bullet.JOINT_REVOLUTE, bullet.JOINT_PRISMATIC):
                    continue
                bounded = info[8] <= info[9]
                found.append(
                    Joint(
                        index=index,
                        name=info[1].decode(),
                        lower=float(info[8]) if bounded else -math.inf,
                        upper=float(info[9]) if bounded else math.inf,
                        max_force=float(info[10]),
                        max_velocity=float(info[11]),
                    )
                )
        return tuple(found)

    def place_joints(self, robot: int, joints: Sequence[Joint], positions: Sequence[float]) -> None:
        """Put joints to positions [rad or m], at rest, and hold them there."""
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be set"):
            for joint, position in zip(joints, positions, strict=True):
                bullet.resetJointState(robot, joint.index, float(position), 0.0, physicsClientId=client)
        self.drive_joints(robot, joints, positions)

    def drive_joints(self, robot: int, joints: Sequence[Joint], targets: Sequence[float]) -> None:
        """Drive joints towards positions [rad or m] with their largest force and speed as bounds."""
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be driven"):
            for joint, target in zip(joints, targets, strict=True):
                bullet.setJointMotorControl2(
                    robot,
                    joint.index,
                    bullet.POSITION_CONTROL,
                    targetPosition=float(target),
                    targetVelocity=0.0,
                    force=joint.max_force,
                    maxVelocity=joint.max_velocity if joint.max_velocity > 0 else 1e3,
                    positionGain=0.2,
                    velocityGain=1.0,
                    physicsClientId=client,
                )

    def joint_states(self, robot: int, joints: Sequence[Joint]) -> tuple[Array, Array]:
        """Return positions [rad or m] and velocities [rad/s or m/s] of joints, shape (J,) each."""
        with self._guard(f"the joints of body {robot} cannot be read"):
            states = self._bullet.getJointStates(robot, [j.index for j in joints], physicsClientId=self._client)
        return np.array([state[0] for state in states]), np.array([state[1] for state in states])

    def link_poses(self, robot: int) -> Array:
        """Return the poses of a robot's link frames, the base first, shape (1 + links, 4, 4).

        These are the URDF's link frames; the base pose that PyBullet reports is that of the base's centre of mass.
        """
        bullet, client = self._bullet, self._client
        with self._guard(f"the links of body {robot} cannot be read"):
            count = bullet.getNumJoints(robot, physicsClientId=client)
            mass_position, mass_turn = bullet.getBasePositionAndOrientation(robot, physicsClientId=client)
            inertial = bullet.getDynamicsInfo(robot, -1, physicsClientId=client)
            inverse = bullet.invertTransform(inertial[3], inertial[4])
            base = bullet.multiplyTransforms(mass_position, mass_turn, *inverse)
            states = bullet.getLinkStates(robot, list(range(count)), computeForwardKinematics=1, physicsClientId=client)
        positions = [base[0], *(state[4] for state in states or ())]
        quaternions = [base[1], *(state[5] for state in states or ())]
        return pose_from_position_quaternion(positions, quaternions)


def _contacts(points: Sequence[Any]) -> Contacts:
    return Contacts(
        bodies=np.array([(p[1], p[2]) for p in points], np.int64).reshape(-1, 2),
        links=np.array([(p[3], p[4]) for p in points], np.int64).reshape(-1, 2),
        position=np.array([p[6] for p in points], np.float64).reshape(-1, 3),
        normal=np.array([p[7] for p in points], np.float64).reshape(-1, 3),
        force=np.array([p[9] for p in points], np.float64),
        distance=np.array([p[8] for p in points], np.float64),
    )


def _sizes(name: str, values: Sequence[float]) -> list[float]:
    sizes = [float(value) for value in values]
    if not all(math.isfinite(size) and 0 < size < 1e4 for size in sizes):
        raise WorldError(f"{name} must be in (0, 10000) m, got {sizes}")
    return sizes
