"""The example that trains a policy: it runs, and it learns."""

from __future__ import annotations

import importlib.util
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "train_ppo.py"


@pytest.fixture(scope="module")
def example():
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("train_ppo", EXAMPLE)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_example_runs(example, monkeypatch):
    """One short update over two environments."""
    monkeypatch.setattr(example, "ROLLOUT", 4)
    with closing(example.make_batch(2, workers=0)) as batch:
        assert example.train(batch, 8) == []


@pytest.mark.slow
def test_returns_improve(example):
    """Within 24,000 steps the mean return grows by more than five deviations of what it was at first."""
    with closing(example.make_batch(16, workers=2)) as batch:
        returns = example.train(batch, 24_576)
    first, last = np.array(returns[:5]), np.array(returns[-5:])
    deviation = np.hypot(first.std(ddof=1), last.std(ddof=1)) / np.sqrt(5)

    assert last.mean() - first.mean() > max(5.0 * deviation, 0.5)
