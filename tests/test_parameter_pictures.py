"""The picture of the parameter language can be made, and shows what its titles say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """The program of examples/parameters."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "parameters"))
    return importlib.import_module("show_parameter_language")


def test_the_language_is_drawn_from_what_it_draws(example) -> None:
    """Boxes fit their shelf, mass and friction go together, and the requirement cuts the scatter it is drawn in."""
    png, shown, accepted = example.draw_language(count=300)
    free, hard, soft = shown["free"], shown["hard"], shown["soft"]

    assert png.startswith(b"\x89PNG")
    assert len(png) < 300_000
    assert (free["box.height"] < free["shelf.height"] - 0.05).all()
    assert abs(stats.spearmanr(free["box.mass"], free["box.friction"]).statistic - 0.7) < 5 * 0.51 * np.sqrt(
        1.245 / 300
    )
    assert (hard["box.mass"] * hard["box.friction"] > 0.5).all()
    assert 0.8 - 5 * 0.4 / np.sqrt(300) < (soft["box.mass"] * soft["box.friction"] > 0.5).mean() < 1.0
    assert accepted["free"] == 1.0 > accepted["soft"] > accepted["hard"] > 0.2
