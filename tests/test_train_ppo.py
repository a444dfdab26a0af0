"""The example that trains a policy: it runs, and it learns."""

from __future__ import annotations

import importlib.util
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

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


def test_what_is_cut_off_is_worth_what_was_to_come(example):
    """A row that was cut off gets the value of its last observation, one that is over or goes on its reward alone."""
    torch.manual_seed(0)
    with closing(example.make_batch(3, workers=0)) as batch:
        policy = example.Policy(torch.ones(example.flatten(batch.reset(seed=1)[0]).shape[1]), 2)
        final = None
        while final is None:
            final = batch.step(np.zeros((3, 2), np.float32))[4].get("final_obs")
    reward = np.array([1.0, 2.0, 3.0])
    cut = example.complete_rewards(
        policy, reward, np.array([True, False, False]), np.array([True, True, False]), {"final_obs": final}
    )
    worth = policy(example.flatten({name: value[None] for name, value in final[1].items()}))[1].item()

    assert worth != 0.0
    np.testing.assert_allclose(cut.numpy(), [1.0, 2.0 + example.DISCOUNT * worth, 3.0], rtol=1e-6)
    np.testing.assert_array_equal(reward, [1.0, 2.0, 3.0])


@pytest.mark.slow
def test_returns_improve(example):
    """Within 24,000 steps the mean return grows by more than five deviations of what it was at first."""
    with closing(example.make_batch(16, workers=2)) as batch:
        returns = example.train(batch, 24_576)
    first, last = np.array(returns[:5]), np.array(returns[-5:])
    deviation = np.hypot(first.std(ddof=1), last.std(ddof=1)) / np.sqrt(5)

    assert last.mean() - first.mean() > max(5.0 * deviation, 0.5)
