"""Train a policy to drive to a goal: PPO in a hundred lines over a batch of environments.

    python examples/train_ppo.py --steps 60000

Change the environment's name for another scene; with `images=True` observations hold pictures too.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import nn

import simloom  # noqa: F401  (registers the environments)

ROLLOUT = 64
"""Steps of each environment between two updates."""
DISCOUNT, TRACE, CLIP = 0.97, 0.9, 0.2


def make_batch(count: int, workers: int | None = None) -> Any:
    """Make environments that step together."""
    overrides = {"object_count": 1, "wall_count": 0}
    return gymnasium.make_vec(
        "simloom/Driving-v0",
        num_envs=count,
        workers=workers,
        autoreset_mode="same_step",
        observations="torch",
        horizon=60,
        slots=3,
        overrides=overrides,
    )


def flatten(observations: dict[str, torch.Tensor]) -> torch.Tensor:
    """Put all that is observed into one row per environment."""
    return torch.cat([values.float() for values in observations.values()], dim=1)


class Policy(nn.Module):
    """A Gaussian policy and a value function."""

    def __init__(self, scale: torch.Tensor, actions: int) -> None:
        super().__init__()
        self.scale, inputs = scale, len(scale)
        self.mean = nn.Sequential(
            nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, actions)
        )
        self.value = nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
        self.log_deviation = nn.Parameter(torch.full((actions,), -0.5))
        with torch.no_grad():
            self.mean[-1].weight.mul_(0.01)

    def forward(self, observations: torch.Tensor) -> tuple[torch.distributions.Normal, torch.Tensor]:
        """Return what to do and what it is worth."""
        scaled = observations / self.scale
        action = torch.distributions.Normal(self.mean(scaled), self.log_deviation.exp())
        return action, self.value(scaled).squeeze(-1)


def complete_rewards(
    policy: Policy, reward: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, infos: dict[str, Any]
) -> torch.Tensor:
    """Return the rewards of a step, with what was still to come where an episode was cut off and not over."""
    completed = torch.as_tensor(reward).float()
    cut = np.flatnonzero(truncated & ~terminated)
    if cut.size:
        last = infos["final_obs"][cut]
        with torch.no_grad():
            worth = policy(flatten({name: torch.stack([one[name] for one in last]) for name in last[0]}))[1]
        completed[cut] += DISCOUNT * worth
    return completed


def train(batch: Any, steps: int, *, seed: int = 1, tell: Any = None) -> list[float]:
    """Train a policy.

    Args:
        batch: A batch whose observations are tensors, and that restarts environments within the same step.
        steps: Steps of all environments together.
        seed: Of worlds, weights and exploration.
        tell: Called with the steps so far and the mean return since it was called last.

    Returns:
        The mean return of the episodes that ended between two updates, for each update.
    """
    torch.manual_seed(seed)
    count, returns = batch.num_envs, []
    scale = torch.cat([torch.as_tensor(space.high) for space in batch.single_observation_space.values()]).clamp(max=4.0)
    policy = Policy(scale, batch.single_action_space.shape[0])
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    seen = flatten(batch.reset(seed=seed)[0])
    running, ended = np.zeros(count), []
    for update in range(max(1, steps // (ROLLOUT * count))):
        rows: dict[str, list[torch.Tensor]] = {
            name: [] for name in ("seen", "action", "log", "value", "reward", "over")
        }
        for _ in range(ROLLOUT):
            with torch.no_grad():
                choice, value = policy(seen)
            action = choice.sample()
            after, reward, terminated, truncated, infos = batch.step(action.clamp(-1.0, 1.0).numpy())
            over = terminated | truncated
            running += reward
            ended += running[over].tolist()
            running[over] = 0.0
            values = (
                seen,
                action,
                choice.log_prob(action).sum(-1),
                value,
                complete_rewards(policy, reward, terminated, truncated, infos),
                torch.as_tensor(over),
            )
            for name, one in zip(rows, values, strict=True):
                rows[name].append(one.float())
            seen = flatten(after)
        with torch.no_grad():
            following = policy(seen)[1]
        data = {name: torch.stack(values) for name, values in rows.items()}
        advantage, trace = torch.zeros_like(data["reward"]), torch.zeros(count)
        for t in reversed(range(ROLLOUT)):
            alive = 1.0 - data["over"][t]
            error = data["reward"][t] + DISCOUNT * alive * following - data["value"][t]
            trace = error + DISCOUNT * TRACE * alive * trace
            advantage[t], following = trace, data["value"][t]
        target = advantage + data["value"]
        flat = {
            name: values.flatten(0, 1) for name, values in (data | {"target": target, "advantage": advantage}).items()
        }
        flat["advantage"] = (flat["advantage"] - flat["advantage"].mean()) / (flat["advantage"].std() + 1e-8)
        for _ in range(8):
            for chosen in torch.randperm(ROLLOUT * count).split(256):
                part = {name: values[chosen] for name, values in flat.items()}
                choice, value = policy(part["seen"])
                ratio = (choice.log_prob(part["action"]).sum(-1) - part["log"]).exp()
                gain = torch.minimum(ratio * part["advantage"], ratio.clamp(1 - CLIP, 1 + CLIP) * part["advantage"])
                loss = -gain.mean() + 0.5 * (value - part["target"]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
                optimizer.step()
        if ended:
            returns.append(float(np.mean(ended)))
            if tell is not None:
                tell((update + 1) * ROLLOUT * count, returns[-1])
        ended = []
    return returns


def main() -> None:
    """Train and say how it goes."""
    parser = argparse.ArgumentParser(description="Train a policy to drive to a goal.")
    parser.add_argument("--steps", type=int, default=60_000, help="steps of all environments together")
    parser.add_argument("--environments", type=int, default=16, help="environments in the batch")
    given = parser.parse_args()
    batch = make_batch(given.environments)
    train(batch, given.steps, tell=lambda steps, mean: print(f"{steps:8d} steps, mean return {mean:6.2f}", flush=True))
    batch.close()


if __name__ == "__main__":
    main()
