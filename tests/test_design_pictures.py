"""The picture of the designs can be made, and shows what its captions say."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import simloom
from simloom.sim.campaign.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent


def test_only_the_covering_design_meets_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many random or Sobol scenarios as the covering design has leave pairs of levels out."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "randomization"))
    module = importlib.import_module("show_designs")
    plans = {
        name: make_plan(simloom.load_recipe({"seed": 3, "sampler": module.DESIGNS[name]}))
        for name in ("covering", "random", "sobol")
    }
    count = plans["covering"].sampler.scenario_count
    shares = {name: module.measure(plan, module.draw_values(plan, count)).share for name, plan in plans.items()}

    assert shares["covering"] == 1.0
    assert shares["random"] < 0.9
    assert shares["sobol"] < 0.9
    assert (ROOT / "docs" / "randomization" / "designs.png").stat().st_size < 300_000
