"""Use the sensor models alone: an active stereo camera for ideal depth, an image sensor for light.

Needs NumPy and Numba only. Run: python examples/sense_own_images.py
"""

from __future__ import annotations

import sys

import numpy as np

from simloom.kernels import apply_camera, apply_depth


def main() -> None:
    """Print how far readings depart from their truth."""
    depth = np.full((1, 240, 424), 2.0, np.float32)
    depth[:, 80:160, 150:250] = 1.0
    stereo = apply_depth(depth, "realsense_d435", fx=np.array([212.0]), seed=7, index=np.array([0]))
    wall = (stereo.status == 0) & (depth == 2.0)
    sys.stdout.write(f"depth at 2 m: noise {1000 * float(np.std(stereo.depth[wall])):.1f} mm, ")
    sys.stdout.write(f"{100 * float(np.mean(stereo.status != 0)):.1f} % without a return\n")

    radiance = np.full((1, 240, 424, 3), 0.18, np.float32)
    image = apply_camera(radiance, "generic_rgb", seed=7, index=np.array([0]))
    sys.stdout.write(
        f"grey card: {image.rgb.mean():.1f} of 255, exposure {1000 * float(image.exposure_time[0]):.2f} ms\n"
    )


if __name__ == "__main__":
    main()
