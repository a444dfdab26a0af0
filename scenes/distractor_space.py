"""Distractors as parameters: things that are seen and touched, but are no targets and have no labels of their own."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

from .distribution import Distribution
from .distributions import Choice, Integer, LogUniform, Uniform
from .look_space import surface_parameters
from .space import Parameter

DISTRACTORS: Final = 6
"""Distractors that there is room for."""
DISTRACTOR_KINDS: Final = ("random_object", "box", "sphere", "cylinder", "capsule")
"""Options of `distractor.kind`."""
STAND_INS: Final = DISTRACTOR_KINDS[1:]
"""What stands for a random object where objects are a user's own: those are targets, never background."""


def distractor_parameters(
    *,
    asset_count: int,
    size: tuple[float, float],
    mass: tuple[float, float],
    own_objects: bool,
    places: tuple[str, ...] = (),
) -> list[Parameter]:
    """Return the parameters of distractors; there are none while their group stands still.

    Args:
        asset_count: Random objects in the library, >= 1.
        size: Range of the longest side [m].
        mass: Range of the mass [kg].
        own_objects: Whether the library's objects are a user's own; none of them is a distractor then.
        places: Where they may stand, for scenes with several places.

    Returns:
        The parameters.
    """

    def make(name: str, distribution: Distribution, unit: str, meaning: str, **more: Any) -> Parameter:
        more = {"count": DISTRACTORS} | more
        return Parameter(
            name=f"distractor.{name}",
            distribution=distribution,
            unit=unit,
            meaning=meaning,
            group="distractors",
            **more,
        )

    picks = len(STAND_INS) if own_objects else asset_count
    turn = Uniform(low=-math.pi, high=math.pi)
    share, ratio = {"allowed": (0.0, 1.0)}, {"allowed": (0.1, 1.0)}
    found = [
        Parameter(
            name="distractor_count",
            distribution=Integer(low=0, high=DISTRACTORS),
            unit="1",
            meaning="Distractors: things that are seen, but belong to the background",
            group="distractors",
            nominal=0,
            allowed=(0, DISTRACTORS),
        ),
        make(
            "kind",
            Choice(options=DISTRACTOR_KINDS, weights=(0.5, 0.2, 0.1, 0.12, 0.08)),
            "1",
            "Kind of each distractor",
            nominal=0,
        ),
        make(
            "asset",
            Integer(low=0, high=picks - 1),
            "1",
            f"Which of {', '.join(STAND_INS)} stands for a random object" if own_objects else "Which random object",
            nominal=0,
            allowed=(0, picks - 1),
        ),
        make("size", Uniform(low=size[0], high=size[1]), "m", "Longest side", allowed=(0.005, 5.0)),
        make("aspect", Uniform(low=0.35, high=1.0), "1", "Middle side over longest", **ratio),
        make("flatness", Uniform(low=0.35, high=1.0), "1", "Shortest side over longest", **ratio),
        make("x", Uniform(low=0.0, high=1.0), "1", "Where it stands; where that is taken, nearby", **share),
        make("y", Uniform(low=0.0, high=1.0), "1", "Where it stands, across", **share),
        make("roll", turn, "rad", "Turn about x, before it is laid on its nearest stable side", nominal=0.0),
        make("pitch", turn, "rad", "Turn about y", nominal=0.0),
        make("heading", turn, "rad", "Turn about z", nominal=0.0),
        make("mass", LogUniform(low=mass[0], high=mass[1]), "kg", "Mass of each distractor", allowed=(1e-3, 1e4)),
        make("friction", LogUniform(low=0.4, high=1.2), "1", "Coulomb coefficient", allowed=(0.0, 10.0)),
    ]
    if places:
        found.append(make("place", Choice(options=places), "1", "Where it stands", nominal=0))
    look = surface_parameters("distractor", "each distractor", DISTRACTORS, (0.1 * size[0], size[1]), 0.0)
    return [*found, *(dataclasses.replace(parameter, group="distractors") for parameter in look)]
