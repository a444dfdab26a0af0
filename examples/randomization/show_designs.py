"""Draw what the samplers propose: two parameters of each design, and how many pairs of levels each one meets.

Usage: python examples/randomization/show_designs.py docs/randomization/designs.png
"""

import sys
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import simloom
from simloom.sim.campaign.plan import Plan, make_plan
from simloom.sim.quality import measure_coverage
from simloom.sim.quality.coverage import Coverage, pair_shares
from simloom.sim.sampling.factors import bin_parameter

PARAMETERS = ["object_count", "table.height", "table.depth", "table.width", "table.friction", "object.kind[0]"]
DESIGNS: dict[str, Any] = {
    "random": "random",
    "sobol": {"sobol": {"scenarios": 64}},
    "lhs": {"lhs": {"scenarios": 64, "parameters": PARAMETERS[:5]}},
    "grid": {"grid": {"parameters": {"table.height": 8, "table.depth": 8}}},
    "covering": {"covering": {"strength": 2, "bins": 4, "parameters": PARAMETERS}},
}


def draw_values(plan: Plan, count: int) -> dict[str, np.ndarray]:
    """Resolve the first scenarios of a plan into values, without building any world."""
    points = [plan.sampler.propose(index) for index in range(count)]
    rows = [plan.scene.space.resolve(p.u_scenario, p.u_view, p.u_look) for p in points]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def measure(plan: Plan, values: dict[str, np.ndarray]) -> Coverage:
    """Measure the coverage of pairs, four levels a parameter."""
    return measure_coverage(values, [bin_parameter(plan.scene.space, name, 4) for name in PARAMETERS])


def show_designs(path: str) -> None:
    """Write the picture."""
    plans = {
        name: make_plan(simloom.load_recipe({"scene": "tabletop", "seed": 3, "sampler": sampler}))
        for name, sampler in DESIGNS.items()
    }
    count = plans["covering"].sampler.scenario_count or 0
    figure = Figure(figsize=(13, 6.2), dpi=80, layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    for axes, (name, plan) in zip(top.subplots(1, len(plans), sharey=True), plans.items(), strict=True):
        shown = plan.sampler.scenario_count or 64
        values = draw_values(plan, shown)
        axes.scatter(values["table.depth"], values["table.height"], s=11, color="#1f4e79")
        axes.set_title(f"{name}, {shown} scenarios", fontsize=10)
        axes.set_xlabel("table.depth [m]", fontsize=8)
        axes.tick_params(labelsize=7)
    maps = bottom.subplots(1, len(plans))
    for axes, (name, plan) in zip(maps, plans.items(), strict=True):
        coverage = measure(plan, draw_values(plan, count))
        names, shares = pair_shares(coverage)
        image = axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="viridis")
        for row, column in np.ndindex(shares.shape):
            value = 100 * shares[row, column]
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color="w" if value < 60 else "k"
            )
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes.set_yticks(range(len(names)), names if name == "random" else [""] * len(names), fontsize=7)
        axes.set_title(f"{name}: {100 * coverage.share:.1f} % of pairs\nin its first {count}", fontsize=9)
    bottom.colorbar(image, ax=maps, shrink=0.8, label="occupied share [1]")
    top.supylabel("table.height [m]", fontsize=8)
    FigureCanvasAgg(figure).print_png(path)


if __name__ == "__main__":
    show_designs(sys.argv[1] if len(sys.argv) > 1 else "designs.png")
