"""Read a dataset: find the best seen object of a row and put its points into the world.

Run after `make demo`: python examples/read_dataset.py data/demo
"""

from __future__ import annotations

import sys

import numpy as np

import simloom


def main(folder: str) -> None:
    """Print where the depth camera sees an object, and where it truly is."""
    dataset = simloom.open_dataset(folder)
    row = dataset[0]
    slot = int(np.argmax(row["label/head/visible_pixels"][1:])) + 1  # slot 0 is the robot
    seen = (row["label/head/instance"] == slot + 1) & (row["sensor/head/depth_status"] == 0)
    depth = row["sensor/head/depth"][seen].astype(np.float64)
    v, u = np.nonzero(seen)
    k = row["camera/head/intrinsics"]
    points = np.stack([(u - k[0, 2]) / k[0, 0] * depth, (v - k[1, 2]) / k[1, 1] * depth, depth], axis=1)
    pose = row["camera/head/pose_world_camera"]
    points = points @ pose[:3, :3].T + pose[:3, 3]
    corners = row["object/box_corners"][slot]
    name = dataset.classes[str(row["object/class"][slot])]
    sys.stdout.write(
        f"{len(dataset)} rows; object {slot} {name}: {len(points)} points, median {np.median(points, axis=0)}\n"
    )
    sys.stdout.write(f"true box {corners.min(axis=0)} to {corners.max(axis=0)}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data/demo")
