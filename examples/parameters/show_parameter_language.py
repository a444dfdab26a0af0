"""Draw what the parameter language does: a value that bounds another, a copula, a requirement, hard and soft.

Run `python examples/parameters/show_parameter_language.py docs/images/parameter_language.png`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from simloom.scenes import Parameter, ParameterSpace, draw_scenario, find_unmet, parse_distribution

Array = NDArray[np.float64]


def make_space(require: tuple[object, ...] = ()) -> ParameterSpace:
    """Return a shelf and the boxes on it."""

    def parameter(name: str, form: object, unit: str, meaning: str) -> Parameter:
        return Parameter(name=name, distribution=parse_distribution(form), unit=unit, meaning=meaning)

    return ParameterSpace(
        parameters=(
            parameter("box.height", {"uniform": [0.1, "shelf.height - 0.05"]}, "m", "Height of the box"),
            parameter("shelf.height", {"truncnormal": [0.35, 0.08, 0.2, 0.5]}, "m", "Room between two boards"),
            parameter("box.mass", {"loguniform": [0.1, 3.0]}, "kg", "Mass of the box"),
            parameter("box.friction", {"beta": [2, 4, 0.2, 1.0]}, "1", "Coulomb coefficient of the box"),
        )
    ).constrain(correlated=[{"names": ["box.mass", "box.friction"], "rank": 0.7}], require=require)


def draw(space: ParameterSpace, count: int) -> tuple[dict[str, Array], float]:
    """Draw accepted scenarios as the random sampler does; return their values and the accepted share of the draws."""
    found, draws = [], 0
    for index in range(count):
        attempt = 0
        while find_unmet(space, scenario := draw_scenario(space, seed=1, index=index, attempt=attempt)):
            attempt += 1
        draws += attempt + 1
        found.append(space.resolve(scenario.u_scenario, scenario.u_view, scenario.u_look))
    return {name: np.array([values[name] for values in found]) for name in space.names}, count / draws


def draw_language(count: int = 1500) -> tuple[bytes, dict[str, dict[str, Array]], dict[str, float]]:
    """Draw the picture.

    Args:
        count: Scenarios of each panel.

    Returns:
        PNG bytes, what each panel shows by name, and the accepted share of its draws.
    """
    condition = "box.mass * box.friction > 0.5"
    panels = {
        "free": ("uniform: [0.1, shelf.height - 0.05]", ()),
        "coupled": ("correlated: mass, friction, rank 0.7", ()),
        "hard": (f"require: {condition}", (condition,)),
        "soft": ("the same with probability 0.8", ({"condition": condition, "probability": 0.8},)),
    }
    figure = Figure(figsize=(13.0, 3.4), layout="constrained")
    shown, accepted = {}, {}
    for axes, (name, (title, require)) in zip(figure.subplots(1, 4), panels.items(), strict=True):
        values, accepted[name] = draw(make_space(require), count)
        shown[name] = values
        pair = ("shelf.height", "box.height") if name == "free" else ("box.mass", "box.friction")
        axes.plot(values[pair[0]], values[pair[1]], ".", markersize=2.5, alpha=0.5, color="#1f77b4")
        axes.set_title(f"{title}\n{100 * accepted[name]:.0f} % of the draws accepted", fontsize=9)
        axes.set_xlabel(pair[0] + (" [m]" if name == "free" else " [kg]"), fontsize=8)
        axes.set_ylabel(pair[1] + (" [m]" if name == "free" else ""), fontsize=8)
        axes.tick_params(labelsize=7)
        if name == "free":
            ends = np.array([0.2, 0.5])
            axes.plot(ends, ends - 0.05, color="#d62728", linewidth=1.0)
            axes.axhline(0.1, color="#d62728", linewidth=1.0)
        else:
            axes.set_xscale("log")
            axes.set_ylim(0.2, 1.0)
        if require:
            mass = np.geomspace(0.1, 3.0, 200)
            axes.plot(mass, 0.5 / mass, color="#d62728", linewidth=1.0)
    png = io.BytesIO()
    figure.savefig(png, dpi=80)
    return png.getvalue(), shown, accepted


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "parameter_language.png")
    target.write_bytes(draw_language()[0])
