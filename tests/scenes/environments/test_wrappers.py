"""Wrappers: Gymnasium's own compose over the environments."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.utils.env_checker import check_env

import simloom  # noqa: F401

IDS = ("simloom/Driving-v0", "simloom/Tabletop-v0")


def test_a_usual_stack_composes():
    """Time limit, statistics, flattening, scaling, stacking: each passes on what the next needs."""
    stack = gymnasium.make("simloom/Driving-v0", max_episode_steps=4)
    stack = wrappers.RecordEpisodeStatistics(stack)
    stack = wrappers.FlattenObservation(stack)
    stack = wrappers.RescaleAction(stack, np.float32(-2.0), np.float32(2.0))
    stack = wrappers.NormalizeObservation(stack)
    stack = wrappers.NormalizeReward(stack)
    stack = wrappers.FrameStackObservation(stack, 3)
    observation, _ = stack.reset(seed=1)
    for _ in range(4):
        observation, _, terminated, truncated, info = stack.step(stack.action_space.sample())
    stack.close()

    assert observation.shape == stack.observation_space.shape == (3, 2 + 2 + 3 + 24)
    assert truncated
    assert not terminated
    assert info["episode"]["l"] == 4


@pytest.mark.parametrize("name", IDS)
def test_flat_observations_hold_everything(name):
    """Flattening keeps the space exact: finite bounds, float32 where all is, and every number in its place."""
    flat = wrappers.FlattenObservation(gymnasium.make(name))
    observation, _ = flat.reset(seed=2)
    inner = flat.unwrapped.observation_space
    again = gymnasium.spaces.unflatten(inner, observation)
    straight, _ = flat.unwrapped.reset(seed=2)
    flat.close()

    assert np.isfinite(flat.observation_space.low).all()
    assert flat.observation_space.contains(observation)
    for key in straight:
        np.testing.assert_array_equal(again[key], straight[key])


def test_pictures_compose():
    """Grey, smaller, stacked and recorded pictures come from the wrappers that make them."""
    rig = {"head": {"camera": "generic_rgb", "width": 48, "height": 40}}
    made = gymnasium.make("simloom/Tabletop-v0", images=True, rig=rig, render_mode="rgb_array", threads=1)
    seen = wrappers.TransformObservation(made, lambda given: given["image"], made.observation_space["image"])
    grey = wrappers.GrayscaleObservation(seen)
    kept = wrappers.RenderCollection(wrappers.FrameStackObservation(grey, 2))
    observation, _ = kept.reset(seed=1)
    kept.step(kept.action_space.sample())
    frames = kept.render()
    kept.close()

    assert observation.shape == (2, 40, 48)
    assert [frame.shape for frame in frames] == [(40, 48, 3)] * 2


@pytest.mark.parametrize("name", IDS)
def test_the_stable_baselines_checker_accepts_it(name):
    """Stable-Baselines3's checker finds nothing, not even a warning, with pictures and without."""
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    rig = {"head": {"camera": "generic_rgb", "width": 48, "height": 48}}
    for images in (False, True):
        made = gymnasium.make(name, images=images, rig=rig, render_mode="rgb_array", threads=1).unwrapped
        checker.check_env(made, warn=True)  # its check of rendering closes the environment and goes on with it
        check_env(made, skip_render_check=True)
        made.close()
