"""What the tabletop scene randomizes: its parameters with their distributions, units and meanings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from .context import structure_space
from .distractor_space import distractor_parameters
from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, Uniform
from .dynamics_space import (
    actuator_parameters,
    damping_parameters,
    gravity_parameters,
    joint_parameters,
    nominal_parameters,
)
from .hanging import hanging_parameters
from .lamp_space import lamp_parameters
from .look_space import lighting_parameters, robot_look_parameters, surface_parameters
from .physics import Joint
from .placement import placement_parameters
from .rig_space import rig_parameters
from .space import Axis, Parameter, ParameterSpace
from .tabletop_robot import has_offset, robot_parameters
from .vector_distributions import Rotation

OBJECT_COUNT: Final = (3, 15)
"""Least and most objects that are drawn where there are slots for them."""
OBJECT_KINDS: Final = ("random_object", "box", "sphere", "cylinder", "capsule")
"""Options of `object.kind`, in the order of their classes."""


def check_window(names: Iterable[str], *, moves: bool) -> None:
    """Refuse names of parameters that are there only with a recorded window, or only without one.

    Args:
        names: What a recipe overrides.
        moves: Whether the arm moves within a recorded window.

    Raises:
        ValueError: If one is not there; the message says what decides.
    """
    moving = {parameter.name for parameter in actuator_parameters("position")} | {"motion.speed"}
    still = {parameter.name for parameter in gravity_parameters()}
    for name in names:
        if moves and name in still:
            raise ValueError(
                f"parameter {name!r} is there only where no motion is recorded, since instruments take gravity as "
                "straight down; set window: 0 and take instruments out of the rig, or leave it out"
            )
        if not moves and name in moving:
            raise ValueError(
                f"parameter {name!r} is there only where motion is recorded; set window above 0 [s], or leave it out"
            )


def tabletop_space(
    *, objects: int, asset_count: int, joints: Sequence[Joint], own_materials: bool, moves: bool = False
) -> ParameterSpace:
    """Return the tabletop's parameters as declared.

    Args:
        objects: Object slots beside the robot's, >= 1.
        asset_count: Random objects in the library, >= 1.
        joints: The robot's movable joints.
        own_materials: Whether objects mostly keep the material of their file.
        moves: Whether the arm moves.

    Returns:
        The space.
    """

    def make(
        name: str,
        distribution: Distribution,
        unit: str,
        meaning: str,
        group: str,
        varies: Axis = "scenario",
        **more: Any,
    ) -> Parameter:
        more = {"when": "reset" if varies != "scenario" else "build"} | more
        return Parameter(
            name=name,
            distribution=distribution,
            unit=unit,
            meaning=meaning,
            group=group,
            varies=varies,
            **more,
        )

    each: dict[str, Any] = {"count": objects}
    fraction = each | {"allowed": (0.0, 1.0)}
    coefficient = each | {"allowed": (0.0, 10.0)}
    parameters = [
        make(
            "object_count",
            Integer(low=min(OBJECT_COUNT[0], objects), high=min(OBJECT_COUNT[1], objects)),
            "1",
            "Objects on the table",
            "objects",
            allowed=(0, objects),
        ),
        make(
            "object.kind",
            Choice(options=OBJECT_KINDS, weights=(0.58, 0.12, 0.08, 0.13, 0.09)),
            "1",
            "Kind of each object",
            "objects",
            **each,
        ),
        make(
            "object.asset",
            Integer(low=0, high=asset_count - 1),
            "1",
            "Which random object",
            "objects",
            allowed=(0, asset_count - 1),
            **each,
        ),
        make(
            "object.size",
            Uniform(low=0.035, high=0.12),
            "m",
            "Longest side of each object (a sphere has 0.6 of it)",
            "objects",
            allowed=(0.005, 1.0),
            **each,
        ),
        make(
            "object.aspect",
            Uniform(low=0.35, high=1.0),
            "1",
            "Middle side over longest",
            "objects",
            allowed=(0.1, 1.0),
            **each,
        ),
        make(
            "object.flatness",
            Uniform(low=0.35, high=1.0),
            "1",
            "Shortest side over longest",
            "objects",
            allowed=(0.1, 1.0),
            **each,
        ),
        make(
            "object.x",
            Uniform(low=0.0, high=1.0),
            "1",
            "Where it is dropped, along the region's depth",
            "objects",
            **fraction,
        ),
        make(
            "object.y",
            Uniform(low=0.0, high=1.0),
            "1",
            "Where it is dropped, along the region's width",
            "objects",
            **fraction,
        ),
        make("object.orientation", Rotation(), "1", "Rotation when dropped, xyzw", "objects", **each),
        make(
            "object.drop",
            Uniform(low=0.003, high=0.04),
            "m",
            "Height of its lowest point over what lies below when dropped",
            "objects",
            allowed=(0.0, 1.0),
            **each,
        ),
        make(
            "object.mass",
            LogUniform(low=0.03, high=0.6),
            "kg",
            "Mass of each object",
            "dynamics",
            allowed=(1e-4, 1e3),
            **each,
        ),
        make(
            "friction",
            LogUniform(low=0.3, high=1.2),
            "1",
            "Coulomb coefficient of each object",
            "dynamics",
            **coefficient,
        ),
        make(
            "restitution",
            Uniform(low=0.0, high=0.3),
            "1",
            "Coefficient of restitution of each object",
            "dynamics",
            count=objects,
            allowed=(0.0, 1.0),
        ),
        make(
            "table.friction",
            LogUniform(low=0.4, high=1.2),
            "1",
            "Coulomb coefficient of the table",
            "dynamics",
            allowed=(0.0, 10.0),
        ),
        make(
            "table.height", Uniform(low=0.6, high=0.85), "m", "Height of the table's top", "objects", allowed=(0.1, 2.0)
        ),
        make(
            "table.depth", Uniform(low=1.15, high=1.5), "m", "Size of the table along x", "objects", allowed=(1.0, 5.0)
        ),
        make(
            "table.width", Uniform(low=1.2, high=1.9), "m", "Size of the table along y", "objects", allowed=(0.9, 5.0)
        ),
        make(
            "table.thickness", Uniform(low=0.02, high=0.06), "m", "Thickness of the top", "objects", allowed=(0.01, 0.1)
        ),
        *robot_parameters(joints),
        *rig_parameters(
            azimuth=(-2.4, 2.4),
            elevation=(20.0, 70.0),
            distance=(0.6, 1.6),
            target_x=(0.3, 0.6),
            target_y=(-0.15, 0.15),
            target_z=(0.0, 0.1),
            over="the table",
        ),
        *surface_parameters("floor", "the floor", 1, (0.1, 0.8), 0.0),
        *surface_parameters("table", "the table", 1, (0.04, 0.3), 0.0),
        *surface_parameters("object", "each object", objects, (0.008, 0.05), 0.6 if own_materials else 0.0),
        *robot_look_parameters(),
        *lighting_parameters(),
        *lamp_parameters(distance=(1.4, 3.0), elevation=(25.0, 80.0), intensity=(5.0, 250.0), haze=(1e-3, 0.15)),
        *damping_parameters(objects),
        *nominal_parameters(objects),
        *placement_parameters(),
        *hanging_parameters(objects),
        *joint_parameters(sum(has_offset(joint) for joint in joints)),
        *distractor_parameters(
            asset_count=asset_count,
            size=(0.03, 0.2),
            mass=(0.05, 1.0),
            own_objects=own_materials,
            places=("table", "floor"),
        ),
    ]
    if moves:
        parameters += actuator_parameters("position")
        parameters.append(
            make(
                "motion.speed",
                Uniform(low=0.05, high=0.8),
                "1",
                "Speed that the fastest joint reaches within the recorded window, over its limit; less where the way "
                "from ready to the drawn pose is too short for it, or the window",
                "dynamics",
                allowed=(0.0, 1.0),
            )
        )
    else:  # instruments take gravity as straight down
        parameters += gravity_parameters()
    return ParameterSpace(parameters=tuple(structure_space(parameters)))
