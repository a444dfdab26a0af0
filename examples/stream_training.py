"""Train a small network to count objects on rows that are made while it trains: no dataset on disk.

Run: python examples/stream_training.py 200
"""

from __future__ import annotations

import sys
from typing import Any

import torch

import simloom

RECIPE: dict[str, Any] = {
    "scene": "tabletop",
    "views": 1,
    "looks": 2,
    "rig": {"head": {"camera": "generic_rgb", "width": 64, "height": 48}},
    "outputs": ["rgb", "poses"],
}


def main(steps: int = 20, batch_size: int = 16, recipe: dict[str, Any] = RECIPE, **options: Any) -> list[float]:
    """Train for some steps, and return the loss of each."""
    torch.manual_seed(0)
    layers = [(3, 8), (8, 16), (16, 32)]
    network = torch.nn.Sequential(
        *(step for pair in layers for step in (torch.nn.Conv2d(*pair, 3, stride=2), torch.nn.ReLU())),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(32, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    arrays = ["sensor/head/rgb", "object/valid"]
    rows = simloom.stream(recipe, arrays=arrays, batch_size=batch_size, **options)
    losses = []
    for _, batch in zip(range(steps), rows, strict=False):
        images = batch["sensor/head/rgb"].permute(0, 3, 1, 2).float() / 255
        wanted = batch["object/valid"].float().sum(dim=1, keepdim=True)
        loss = torch.nn.functional.mse_loss(network(images), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    rows.close()
    sys.stdout.write(f"{steps} steps, loss {losses[-1]:.3f}; most of the time went to {rows.times.binds}\n")
    return losses


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
