"""Draw where the beams of each built-in LiDAR point during a frame, coloured by time.

Run: python examples/sensors/show_lidar_patterns.py lidar_patterns.png
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import matplotlib
import numpy as np

from simloom.kernels import LidarProfile, list_profiles, load_profile, make_pattern

matplotlib.use("Agg")
from matplotlib import pyplot as plt

DETAILS = {
    "velodyne_vlp16": (-2.5, 0.0, -16.0, 16.0, 1, "the first 2.5 deg: lasers hop while the head turns"),
    "ouster_os1_64": (-6.0, 6.0, -18.0, 18.0, 1, "straight ahead: channels stand in four steps"),
    "livox_like": (-5.0, 5.0, -5.0, 5.0, 3, "the middle of three frames"),
    "solid_state": (56.0, 60.5, 10.0, 12.8, 1, "the upper left corner: every other line runs back"),
}
"""What is drawn beside each frame: azimuths and elevations [deg], how many frames, and a caption."""


def draw_patterns(width: int = 1100) -> bytes:
    """Draw a frame of every LiDAR and a detail of it; return the PNG."""
    names = list_profiles("lidar")
    figure, axes = plt.subplots(len(names), 2, figsize=(width / 100, 2.5 * len(names)), dpi=100, layout="constrained")
    for (whole, detail), name in zip(axes, names, strict=True):
        profile = load_profile(name)
        assert isinstance(profile, LidarProfile)
        left, right, low, high, count, caption = DETAILS[name]
        pattern = make_pattern(profile)
        azimuth, elevation = np.degrees(pattern.azimuth), np.degrees(pattern.elevation)
        step = max(len(azimuth) // 12000, 1)
        step += step % 2 == 0  # so that every channel is drawn
        dots = {"s": 1.0, "linewidths": 0.0, "cmap": "viridis", "rasterized": True}
        shown = whole.scatter(azimuth[::step], elevation[::step], c=1e3 * pattern.time[::step], **dots)
        figure.colorbar(shown, ax=whole, label="time [ms]")
        whole.set_title(f"{name}: {len(azimuth)} firings in {1e3 * pattern.duration:g} ms", fontsize=10)
        frames = [make_pattern(profile, frame=frame) for frame in range(count)]
        time = np.concatenate([1e3 * (frame * pattern.duration + p.time) for frame, p in enumerate(frames)])
        azimuth = np.degrees(np.concatenate([p.azimuth for p in frames]))
        elevation = np.degrees(np.concatenate([p.elevation for p in frames]))
        chosen = (azimuth >= left) & (azimuth <= right) & (elevation >= low) & (elevation <= high)
        dots["s"] = 3.0 if chosen.sum() > 2500 else 7.0
        shown = detail.scatter(azimuth[chosen], elevation[chosen], c=time[chosen], **dots)
        figure.colorbar(shown, ax=detail, label="time [ms]")
        detail.set_title(caption, fontsize=10)
        for axis in (whole, detail):
            axis.set_xlabel("azimuth [deg]")
            axis.set_ylabel("elevation [deg]")
            axis.invert_xaxis()  # left is left
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return _shrink(buffer.getvalue())


def _shrink(png: bytes) -> bytes:
    """Return the picture with 128 colours."""
    from PIL import Image

    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "lidar_patterns.png").write_bytes(draw_patterns())
