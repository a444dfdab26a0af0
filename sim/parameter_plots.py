"""Plots of a scene's parameters: what is declared and what is drawn. Needs Matplotlib (the extra `calibrate`)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.philox import philox_uniforms
from ..scenes.cases_distribution import Cases
from ..scenes.conditional_distribution import Words
from ..scenes.describe import describe_parameter
from ..scenes.distribution import Distribution
from ..scenes.parameter import AXES, Axis, Parameter
from ..scenes.space import ParameterSpace
from .errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
DRAWS: Final = 4000
"""Draws of a plot."""
_COLUMNS: Final = 6
_FEWEST: Final = 100
_DRAWN: Final = "#9ecae1"
_DECLARED: Final = "#08306b"


def draw_marginals(space: ParameterSpace, *, draws: int = DRAWS) -> dict[str, Array]:
    """Draw every parameter's values independently of any requirement.

    Args:
        space: The parameters.
        draws: Number of draws.

    Returns:
        Name to values, shape (draws,) or (draws, numbers).
    """
    u: dict[Axis, Array] = {}
    for axis in AXES:
        count = space.sizes[axis]
        addresses = np.zeros((draws * count, 3), np.int64)
        addresses[:, 0], addresses[:, 1] = np.tile(np.arange(count), draws), np.repeat(np.arange(draws), count)
        u[axis] = philox_uniforms(0, f"plot/{axis}", addresses).reshape(draws, count)
    return space.evaluate(u)


def plot_marginals(path: str | Path, space: ParameterSpace, *, title: str) -> int:
    """Draw a histogram of each parameter that varies, under its declared density.

    Draws that do not meet what is required are left out; where hardly one does the title says that all are shown.

    Args:
        path: PNG file to write.
        space: The parameters.
        title: What they belong to.

    Returns:
        How many were drawn.

    Raises:
        UsageError: If Matplotlib is missing, or nothing varies.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("plots need Matplotlib: pip install 'simloom[calibrate]'") from error
    values, drawn = _draw_required(space)
    shown = [p for p in space if p.distribution.coordinate_count or p.distribution.is_dependent]
    if not shown:
        raise UsageError("no parameter varies; there is nothing to plot")
    rows = -(-len(shown) // _COLUMNS)
    figure = Figure(figsize=(2.6 * _COLUMNS, 1.75 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{title}: {len(shown)} parameters, {drawn} (bars) and declared densities (lines)")
    grid: Any = figure.subplots(rows, _COLUMNS, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place < len(shown):
            _draw(axes, shown[place], values[shown[place].name])
        else:
            axes.set_axis_off()
    figure.savefig(path, dpi=80)
    return len(shown)


def _draw_required(space: ParameterSpace) -> tuple[dict[str, Array], str]:
    """Draw values, and leave out those that do not meet what is required; return them, and what they are."""
    values = draw_marginals(space)
    if not space.requirements:
        return values, f"{DRAWS} draws"
    kept = np.ones(DRAWS, np.bool_)
    met = space.requirements_met(values)
    for requirement in space.requirements:
        held = met[requirement.condition]
        if not requirement.is_hard:
            held = held | ~np.array([requirement.is_enforced(0, index) for index in range(DRAWS)])
        kept &= held
    count = int(kept.sum())
    if count < _FEWEST:
        return values, f"{DRAWS} draws, though only {count} of them meet what is required"
    return {name: value[kept] for name, value in values.items()}, f"the {count} of {DRAWS} draws that meet require"


def find_options(distribution: Distribution) -> tuple[Any, ...] | None:
    """Return the options that values are numbers of, also where they depend on another parameter; None without any."""
    if isinstance(distribution, Cases):
        return next((found for case in distribution.cases if (found := find_options(case)) is not None), None)
    words = getattr(distribution, "arguments", None)
    options = words.options if isinstance(words, Words) else getattr(distribution, "options", None)
    return None if options is None else tuple(options)


def _draw(axes: Axes, parameter: Parameter, values: Array) -> None:
    from matplotlib.ticker import NullFormatter

    distribution = parameter.distribution
    axes.set_title(parameter.name, fontsize=8)
    axes.tick_params(labelsize=6)
    axes.set_yticks([])
    unit = "" if parameter.unit == "1" else f" [{parameter.unit}]"
    text = describe_parameter(parameter).distribution
    axes.set_xlabel(f"{text if len(text) < 42 else text[:39] + '...'}{unit}", fontsize=6)
    if distribution.value_count > 1:  # each number of the first element
        parts = values.reshape(len(values), parameter.count, distribution.value_count)[:, 0]
        for number in parts.T:
            axes.hist(number, bins=40, density=True, histtype="step", linewidth=0.8)
        return
    first = values if values.ndim == 1 else values[:, 0]
    options = find_options(distribution)
    whole = not distribution.continuous and bool((first == np.floor(first)).all()) and np.ptp(first) < 60
    if whole:
        places, counts = np.unique(first, return_counts=True)
        axes.bar(places, counts / len(first), color=_DRAWN, width=0.8)
        if not distribution.is_dependent:
            axes.plot(places, np.exp(distribution.log_density(places)), "_", color=_DECLARED, markersize=8)
        if options is not None and isinstance(options[0], str):
            axes.set_xticks(range(len(options)), [str(o)[:8] for o in options], rotation=45, fontsize=5)
        return
    span = float(np.ptp(first))
    base = getattr(distribution, "base", distribution)
    wide = base.kind == "loguniform" and first.max() / first.min() > 8
    edges = np.geomspace(first.min(), first.max(), 41) if wide else np.linspace(first.min(), first.max() + 1e-12, 41)
    axes.hist(first, bins=edges.tolist() if span > 0 else 1, density=True, color=_DRAWN)
    if wide:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if distribution.continuous and not distribution.is_dependent:
        at = edges + 0.0
        density = np.exp(distribution.log_density(at))
        axes.plot(at, np.where(np.isfinite(density), density, math.nan), color=_DECLARED, linewidth=1.0)
