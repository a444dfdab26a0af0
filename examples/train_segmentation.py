"""Train a small network to segment a table-top, on simulated rows mixed with others, and resume it after any crash.

    python examples/train_segmentation.py --out data/segmentation

The second dataset stands in for real data: simloom makes it too, with another seed and another camera. Put a dataset of
your own robot in its place. Kill the program when you like; the same command goes on, to the same losses bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

import simloom
from simloom.sim.loading import check_disjoint

IMAGE, LABEL = "sensor/head/rgb", "label/head/class"
CLASSES = ("background", "table", "robot", "object")
RARITY = torch.tensor([1.0, 1.0, 3.0, 5.0])
"""What a pixel of each class weighs in the loss."""
FOLD = torch.tensor([0, 0, 1, 2, *[3] * 252])
"""What each class of the table-top scene counts as: floor is background, all that lies on the table is an object."""


def make_data(folder: Path, name: str, seed: int, camera: str, samples: int) -> Any:
    """Generate a dataset of small images, or open it where it is there."""
    recipe = {
        "simloom": 1, "scene": "tabletop", "seed": seed, "views": 2, "looks": 2, "supersample": 1,
        "parameters": {"object_count": {"integer": [8, 15]}},
        "rig": {"head": {"camera": camera, "width": 64, "height": 48, "mount": "world"}},
        "outputs": ["rgb", "class", "poses", "ideal/colour"],
    }  # fmt: skip
    return simloom.generate(simloom.load_recipe(recipe), samples=samples, out=folder / name)


class Network(nn.Module):
    """Three scales down and up again, with the finer ones handed across."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.enter = self._block(3, width)
        self.middle = self._block(width, 2 * width)
        self.deep = self._block(2 * width, 4 * width)
        self.join_middle = self._block(6 * width, 2 * width)
        self.join_fine = self._block(3 * width, width)
        self.decide = nn.Conv2d(width, len(CLASSES), 1)

    @staticmethod
    def _block(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Score each class in each pixel of images, uint8, shape (N, H, W, 3)."""
        fine = self.enter(images.permute(0, 3, 1, 2).float() / 255 - 0.5)
        middle = self.middle(nn.functional.max_pool2d(fine, 2))
        deep = self.deep(nn.functional.max_pool2d(middle, 2))
        up = nn.functional.interpolate(deep, scale_factor=2.0)
        up = nn.functional.interpolate(self.join_middle(torch.cat([middle, up], 1)), scale_factor=2.0)
        scores: torch.Tensor = self.decide(self.join_fine(torch.cat([fine, up], 1)))
        return scores


@torch.no_grad()
def measure_iou(network: Network, held_out: Any) -> list[float]:
    """Intersection over union of each class."""
    both, either = torch.zeros(len(CLASSES)), torch.zeros(len(CLASSES))
    for batch in held_out.torch(batch_size=32, arrays=[IMAGE, LABEL], shuffle=False):
        found, truth = network(batch[IMAGE]).argmax(1), FOLD[batch[LABEL].long()]
        for number in range(len(CLASSES)):
            both[number] += ((found == number) & (truth == number)).sum()
            either[number] += ((found == number) | (truth == number)).sum()
    return (both / either.clamp(min=1)).tolist()


def train(
    simulated: Any, other: Any, held_out: Any, out: Path, *, epochs: int, batch_size: int = 16, save_every: int = 10,
    crash_at: int | None = None,
) -> list[float]:  # fmt: skip
    """Train, from the last checkpoint in `out` where there is one; return the loss of every step."""
    for dataset in (simulated, other):
        check_disjoint(dataset, held_out, images=True)
    loader = simulated.torch(
        batch_size=batch_size, arrays=[IMAGE, LABEL], mix={"other": (other, 0.25), "simulated": 0.75},
        augment={"head": "generic_rgb"}, seed=0,
    )  # fmt: skip
    torch.manual_seed(0)
    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    losses: list[float] = []
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        loader.load_state_dict(state["loader"])
        losses = state["losses"]
    while loader.epoch < epochs:
        for batch in loader:
            truth = FOLD[batch[LABEL].long()]
            loss = nn.functional.cross_entropy(network(batch[IMAGE]), truth, weight=RARITY)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) % save_every == 0:
                save(checkpoint, network, optimizer, loader, losses)
            if len(losses) == crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
        iou = ", ".join(f"{n} {v:.3f}" for n, v in zip(CLASSES, measure_iou(network, held_out), strict=True))
        sys.stdout.write(f"epoch {loader.epoch}: loss {losses[-1]:.4f}, IoU {iou}\n")
    for name, source in loader.report().sources.items():
        sys.stdout.write(f"{name}: {source.ratio:.1%} of the rows, {source.effective_epochs:.2f} epochs\n")
    return losses


def save(checkpoint: Path, network: Network, optimizer: Any, loader: Any, losses: list[float]) -> None:
    """Write all that training goes on from, whole or not at all."""
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(), "loader": loader.state_dict(),
        "losses": losses,
    }  # fmt: skip
    torch.save(state, checkpoint.with_suffix(".new"))
    checkpoint.with_suffix(".new").replace(checkpoint)


def main() -> None:
    """Read the command line, make the data and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/segmentation"))
    parser.add_argument("--samples", type=int, default=256, help="simulated rows; half as many stand in for real ones")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--crash-at", type=int, help="kill the program after this step, to see it resume")
    chosen = parser.parse_args()
    simulated = make_data(chosen.out, "simulated", 0, "generic_rgb", chosen.samples)
    other = make_data(chosen.out, "stand_in_for_real", 1, "webcam_rgb", chosen.samples // 2)
    edge = chosen.samples // 2 // 4 // 2  # half of its scenarios are kept for evaluation
    losses = train(
        simulated, other.where(f"scenario < {edge}"), other.where(f"scenario >= {edge}"), chosen.out,
        epochs=chosen.epochs, crash_at=chosen.crash_at,
    )  # fmt: skip
    (chosen.out / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main()
