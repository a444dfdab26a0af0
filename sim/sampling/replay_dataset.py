"""Replay of a dataset: the points that its rows were made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scenes.copula import CorrelatedGroup
from ...scenes.distributions import parse_distribution
from ...scenes.space import AXES, Axis, Parameter, ParameterSpace
from ...scenes.stage import Reason
from ..dataset.errors import DatasetError
from ..dataset.reader import Dataset, open_dataset
from .layout import Array, PointLayout
from .replay_match import Match, match_parameters
from .replay_points import ReplayPoints, value_points, whole_points


def read_dataset_points(folder: Path, layout: PointLayout) -> ReplayPoints:
    """Read the points of a dataset's whole scenarios, tombstones included.

    A parameter that means the same there and here keeps its coordinates, to the bit. One that has another distribution,
    or other ties to the others, is found by its values. One that is new here is left open, one that is gone is left
    out.

    Args:
        folder: The dataset; as far as it is committed.
        layout: Where the coordinates stand. It may have fewer views or looks than the dataset, not more.

    Returns:
        The points.

    Raises:
        ValueError: If it is no dataset, has too few views or looks, or holds a value that cannot be here.
    """
    try:
        with open_dataset(folder, skip_rejected=False) as dataset:
            return _read(dataset, layout)
    except DatasetError as error:
        raise ValueError(str(error)) from error


def _read(dataset: Dataset, layout: PointLayout) -> ReplayPoints:
    source = str(dataset.folder)
    view, look = (dataset.array(f"sample/{name}").astype(np.int64) for name in ("view", "look"))
    scenario = dataset.array("sample/scenario").astype(np.int64)
    begins = dataset.array("sample/step") == 0  # an episode has the same coordinates at all its steps
    views, looks = int(view.max()) + 1, int(look.max()) + 1
    if layout.views > views or layout.looks > looks:
        raise ValueError(
            f"{source} has {views} views and {looks} looks a scenario, and the recipe asks for {layout.views} and "
            f"{layout.looks}; ask for at most as many"
        )
    names, counts = np.unique(scenario[begins], return_counts=True)
    whole = names[counts == views * looks]
    if not len(whole):
        raise ValueError(f"{source} holds no whole scenario of {views * looks} rows yet")
    wanted = begins & np.isin(scenario, whole) & (view < layout.views) & (look < layout.looks)
    rows = np.asarray(dataset.rows)[wanted]
    rows = rows[np.lexsort((look[wanted], view[wanted], scenario[wanted]))]
    shape = (len(whole), layout.views, layout.looks)
    there = recorded_space(dataset)
    u = dataset.array("sample/u", rows.tolist()).reshape(*shape, -1) if there.size else np.zeros((*shape, 0))
    first = rows.reshape(shape)[:, 0, 0].tolist()
    attempt = dataset.array("sample/attempt", first).astype(np.int64)
    weight = dataset.array("sample/weight", first).astype(np.float64)
    # Who redraws has met them; who does not has told. Either way the points are what they were.
    spared = dataset.array("sample/reason", first).astype(np.int64) != int(Reason.REQUIREMENT)
    copies: dict[Axis, tuple[int, ...]] = {"scenario": shape[:1], "view": shape[:2], "look": shape}

    def read(name: str) -> Array:
        return _values(dataset, layout.space[name], rows, shape)

    if _recorded_recipe(dataset)["parameters_sha256"] == layout.space.digest():
        kept = tuple(parameter.name for parameter in layout.space if parameter.coordinate_count)
        match = Match(kept=kept, alone=(), coordinates={})
    else:
        match = match_parameters(there, layout.space, read, copies, source=source)
    places, found = [np.zeros(0, np.int64)], [np.zeros((len(whole), 0))]
    for name, own in (*((name, _own_coordinates(there, name, u)) for name in match.kept), *match.coordinates.items()):
        places.append(layout.places(name).reshape(-1))
        found.append(own)
    points = ReplayPoints(
        places=np.concatenate(places),
        u=np.concatenate(found, axis=1),
        attempt=attempt,
        weight=weight,
        spared=spared,
        has_gaps=bool((whole != np.arange(len(whole))).any()),
    )
    if len(points.places) == layout.dimensions:
        whole_u = whole_points(_in_order(points), layout, source=source)
        return replace(points, places=whole_u.places, u=whole_u.u)
    if match.alone:
        more = value_points({f"param/{name}": read(name) for name in match.alone}, layout, source=source)
        points = replace(
            points,
            places=np.concatenate([points.places, more.places]),
            u=np.concatenate([points.u, more.u], axis=1),
        )
    return points


def recorded_space(dataset: Dataset) -> ParameterSpace:
    """Return the parameter space that a dataset's own recipe tells of.

    Args:
        dataset: An open dataset.

    Returns:
        The space: names, distributions, counts, units, axes and correlated groups, in the order of `sample/u`.

    Raises:
        ValueError: If the recipe does not tell.
    """
    parameters = []
    for name, given in _recorded_recipe(dataset)["parameters"].items():
        rest = dict(given)
        unit, varies, count = rest.pop("unit"), rest.pop("varies"), rest.pop("count")
        meaning = dict(dataset.tables.get("parameters", {})).get(name, {}).get("meaning", "")
        distribution = parse_distribution(rest)
        parameters.append(
            Parameter(name=name, distribution=distribution, unit=unit, meaning=meaning, varies=varies, count=count)
        )
    groups = tuple(CorrelatedGroup.from_json(given) for given in _recorded_recipe(dataset)["correlated"])
    return ParameterSpace(parameters=tuple(parameters), correlated=groups)


def _recorded_recipe(dataset: Dataset) -> dict[str, Any]:
    """Return what a dataset's own recipe says of its resolved parameters."""
    from ..yaml_text import parse_yaml

    path = dataset.folder / "recipe.yaml"
    recipe = parse_yaml(path.read_text(encoding="utf-8"), source=str(path)).value
    told = recipe.get("resolved") if isinstance(recipe, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("parameters"), dict):
        raise ValueError(f"{path} does not tell the parameters that the rows were drawn from")
    return {"parameters_sha256": None, "correlated": recipe.get("correlated") or [], **told}


def _own_coordinates(there: ParameterSpace, name: str, u: Array) -> Array:
    """Pick a parameter's coordinates out of rows of u (N, V, L, D), shape (N, copies * coordinates)."""
    varies = there[name].varies
    start = sum(there.sizes[axis] for axis in AXES[: AXES.index(varies)])
    own = u[..., start + there.slices[name].start : start + there.slices[name].stop]
    picked = {"scenario": own[:, :1, :1], "view": own[:, :, :1], "look": own}[varies]
    return np.ascontiguousarray(picked).reshape(len(u), -1)


def _values(dataset: Dataset, parameter: Parameter, rows: NDArray[np.int64], shape: tuple[int, int, int]) -> Array:
    values = dataset.array(f"param/{parameter.name}", rows.tolist())
    values = values.reshape(*shape, *values.shape[1:])
    picked = {"scenario": values[:, 0, 0], "view": values[:, :, 0], "look": values}[parameter.varies]
    return np.asarray(picked, np.float64)


def _in_order(points: ReplayPoints) -> Array:
    u = np.empty_like(points.u)
    u[:, points.places] = points.u
    return u
