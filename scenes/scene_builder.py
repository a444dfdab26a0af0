"""The scene builder: what a scene of one's own puts into its world, and how it looks, said once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .asset_library import Asset, AssetLibrary
from .instance_rows import InstanceRows, at
from .joint_targets import check_targets
from .look import SurfaceSlot
from .object_plan import ObjectPlan, add_asset, nominal_mass, nominal_surface
from .physics import Joint, JointLimitError, Surface, WorldError
from .robot_frames import weigh_frames
from .space import nearest
from .world import World

Array = NDArray[np.float64]
_GROUND_SIDE = 40.0
_ROUNDING = 1e-9
_UPRIGHT = (0.0, 0.0, 0.0, 1.0)


class SceneBuilder:
    """Takes a scene's robot, scenery and objects, one call each, and puts them into the world.

    Args:
        world: The world, empty.
        assets: The asset library.
        classes: The scene's classes and those of its assets.
        joints: The robot's movable joints.
        slots: Object slots, the robot's included.
        dressed: Classes of scenery that have a material; None = all.
    """

    def __init__(
        self,
        world: World,
        assets: AssetLibrary,
        classes: Sequence[str],
        joints: Sequence[Joint],
        slots: int,
        *,
        dressed: Collection[str] | None = None,
    ) -> None:
        self.world = world
        """The world, for what the builder does not offer; what is added there is not drawn."""
        self.assets = assets
        self.robot = -1
        """The robot, -1 before it is placed."""
        self.bodies: list[int] = []
        """The objects, in the order of their slots."""
        self.plans: list[ObjectPlan] = []
        self._classes, self._joints, self._slots = tuple(classes), tuple(joints), slots
        self._dressed = self._classes if dressed is None else tuple(dressed)
        self._by_name = {asset.name: asset for asset in assets.assets}
        self._scenery: list[tuple[int, Array, Array, str, float]] = []

    def place_robot(
        self,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        quaternion: Sequence[float] = _UPRIGHT,
        *,
        fixed: bool = True,
        joints: Mapping[str, float] | None = None,
    ) -> None:
        """Place the robot.

        Args:
            position: Origin of its base link [m].
            quaternion: Rotation of its base link, xyzw.
            fixed: Whether the base is immovable.
            joints: Position of each joint by name [rad or m]; of the others 0, or the limit nearest to it.

        Raises:
            WorldError: If it has been placed already.
            JointLimitError: If a joint cannot stand there; the scenario becomes no row, for the reason `joint_limit`.
            ValueError: If it has no such joint; the nearest is named.
        """
        if self.robot >= 0:
            raise WorldError("there is one robot; it has been placed already")
        given = check_targets(joints or {}, self._joints)
        for joint in self._joints:
            place = given.get(joint.name, 0.0)
            if joint.name in given and not joint.lower - _ROUNDING <= place <= joint.upper + _ROUNDING:
                raise JointLimitError(
                    f"joint {joint.name!r} cannot stand at {place:g} {'m' if joint.slides else 'rad'}: "
                    f"its limits are [{joint.lower:g}, {joint.upper:g}]"
                )
        positions = [given.get(j.name, min(max(0.0, j.lower), j.upper)) for j in self._joints]
        self.robot = self.world.add_urdf(
            self.assets.robot_urdf,
            position=position,
            quaternion=quaternion,
            fixed=fixed,
            own_inertia=not fixed,
            rewrite=weigh_frames,
        )
        self.world.place_joints(self.robot, self._joints, positions)

    def add_ground(self, class_name: str = "ground", surface: Surface | None = None) -> None:
        """Add a boundless level floor at height 0; its material is the parameters `<class_name>.*`."""
        self._check_scenery(class_name)
        self.world.add_plane(surface=surface)
        side = np.array([_GROUND_SIDE, _GROUND_SIDE, 1.0])
        self._scenery.append((self.assets.mesh_row("plane"), np.eye(4), side, class_name, _GROUND_SIDE))

    def add_scenery(
        self,
        class_name: str,
        sides: Sequence[float],
        position: Sequence[float],
        *,
        turn: float = 0.0,
        surface: Surface | None = None,
    ) -> None:
        """Add a box that stands fast and is no object.

        Args:
            class_name: Its class; its material is the parameters `<class_name>.*`.
            sides: Its sides [m].
            position: Its middle [m].
            turn: Turn about z [rad].
            surface: How it behaves in contact.

        Raises:
            ValueError: If there is no such class, or it has no material.
        """
        self._check_scenery(class_name)
        half = 0.5 * turn
        self.world.add_box(
            [0.5 * side for side in sides],
            position=position,
            quaternion=(0.0, 0.0, float(np.sin(half)), float(np.cos(half))),
            surface=surface,
        )
        x, y, z = (float(value) for value in position)
        pose = at(x, y, z, turn)
        self._scenery.append((self.assets.mesh_row("box"), pose, np.array(sides, float), class_name, max(sides)))

    def add_box(self, class_name: str, sides: Sequence[float], position: Sequence[float], **more: object) -> int:
        """Add a box of three sides [m] as an object; the rest as for `add_object`."""
        return self.add_object(class_name, "box", sides, position, **more)  # type: ignore[arg-type]

    def add_sphere(self, class_name: str, radius: float, position: Sequence[float], **more: object) -> int:
        """Add a sphere of a radius [m] as an object; the rest as for `add_object`."""
        return self.add_object(class_name, "sphere", [2.0 * radius] * 3, position, **more)  # type: ignore[arg-type]

    def add_cylinder(
        self, class_name: str, radius: float, height: float, position: Sequence[float], **more: object
    ) -> int:
        """Add a cylinder along z [m] as an object; the rest as for `add_object`."""
        sides = (2.0 * radius, 2.0 * radius, height)
        return self.add_object(class_name, "cylinder", sides, position, **more)  # type: ignore[arg-type]

    def add_object(
        self,
        class_name: str,
        asset: str | Asset,
        scale: float | Sequence[float] = 1.0,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        *,
        quaternion: Sequence[float] = _UPRIGHT,
        mass: float | None = None,
        surface: Surface | None = None,
    ) -> int:
        """Add an object: a free body in a slot of its own.

        Args:
            class_name: Its class.
            asset: Name of an asset: box, sphere, cylinder, or a file of `object_folders`, such as `mug.obj`; where
                several folders hold one, `folder1/mug.obj` is that of the second.
            scale: Scale of the asset [1], for primitives one or one for each axis; primitives have sides of 1 m, files
                the size that they and their `asset.yaml` state.
            position: Its centre of mass [m].
            quaternion: Rotation, xyzw.
            mass: Mass [kg]; 0 stands fast; None = as declared for the asset, else 0.1.
            surface: How it behaves in contact; None = as declared for the asset.

        Returns:
            The body.

        Raises:
            WorldError: If there are more objects than slots.
            ValueError: If there is no such asset or class (the nearest is named), or a file has several scales.
        """
        if len(self.plans) + 2 > self._slots:
            raise WorldError(f"more objects than the {self._slots - 1} slots beside the robot's; raise `slots`")
        self._check_class(class_name)
        found = self._find_asset(asset) if isinstance(asset, str) else asset
        if found.kind == "hulls" and np.unique(scale).size > 1:
            raise ValueError(f"{found.name} takes one scale for all axes, got {scale}; a place is `position=`")
        sides = np.full(3, scale, float) if np.ndim(scale) == 0 else np.array(scale, float)
        plan = ObjectPlan(
            asset=found,
            class_id=self._classes.index(class_name),
            scale=sides,
            quaternion=np.array(quaternion, float),
            position=np.array(position, float),
            mass=nominal_mass(found, sides, 0.1) if mass is None else float(mass),
            surface=surface or nominal_surface(found, Surface()),
        )
        body = add_asset(
            self.world,
            plan.asset,
            plan.scale,
            position=plan.position.tolist(),
            quaternion=plan.quaternion.tolist(),
            mass=plan.mass,
            surface=plan.surface,
        )
        self.plans.append(plan)
        self.bodies.append(body)
        return body

    def _find_asset(self, name: str) -> Asset:
        """Find an asset by its name, or by an end of it that only one has."""
        if name in self._by_name:
            return self._by_name[name]
        ends = [known for known in self._by_name if known.endswith(f"/{name}")]
        if len(ends) == 1:
            return self._by_name[ends[0]]
        if ends:
            raise ValueError(f"there are several assets {name!r}: {', '.join(ends[:8])}; name one of these")
        known = [*(each.split("/", 1)[-1] for each in self._by_name), *self._by_name]
        raise ValueError(f"there is no asset {name!r}; {nearest(name, dict.fromkeys(known))}")

    def _check_class(self, name: str) -> None:
        if name not in self._classes:
            raise ValueError(f"the scene has no class {name!r}; {nearest(name, self._classes)}")

    def _check_scenery(self, name: str) -> None:
        self._check_class(name)
        if name not in self._dressed:
            raise ValueError(f"scenery of class {name!r} has no material; list {name!r} in the scene's `surfaces`")

    def gather(self, poses: Sequence[Array], links: Array) -> InstanceRows:
        """Gather all that is seen.

        Args:
            poses: Poses of the objects, shape (4, 4) each.
            links: Poses of the robot's links, the base first.

        Returns:
            The instances.
        """
        rows = InstanceRows(assets=self.assets, classes=self._classes)
        known: dict[str, int] = {}
        for mesh, pose, scale, name, size in self._scenery:
            if name not in known:
                known[name] = rows.add_slot(SurfaceSlot(source=name, size=size))
            shadow = int(mesh != self.assets.mesh_row("plane"))
            rows.add(mesh, pose, scale, known[name], class_name=name, shadow=shadow)
        rows.add_robot(links)
        rows.add_objects(self.plans, poses)
        return rows
