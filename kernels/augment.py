"""Sensor models as torch modules: batches of ideal arrays become readings, with fresh noise in every epoch.

The only file of this room that imports torch; it is imported when one of its names is asked for.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch  # noqa: TID253 (its one home in this room)
from numpy.typing import ArrayLike, NDArray

from .camera import apply_camera
from .camera_profile import CameraProfile
from .depth import apply_depth
from .philox import stream_key
from .profiles import DepthProfile, Profile

ProfileDraw = Callable[[int, NDArray[np.int64]], Sequence[Profile]]
"""Gives a profile for each row, from a seed and row indices."""


class _Augment(torch.nn.Module, ABC):
    """What both modules share: whose noise it is."""

    def __init__(self, profile: str | Profile, *, seed: int, draw: ProfileDraw | None = None, sensor: int = 0) -> None:
        super().__init__()
        self.profile, self.seed, self.draw, self.sensor, self.epoch = profile, seed, draw, sensor, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, which chooses the noise."""
        self.epoch = epoch

    def _settle(self, index: Any) -> tuple[Any, dict[str, Any]]:
        """Return the profile or profiles of some rows, and what addresses their noise."""
        low, high = stream_key(self.seed, f"epoch/{self.epoch}")
        seed = int(low) | int(high) << 32
        # Indices that a loader keeps on the host cost nothing; those on a device are waited for.
        rows = np.asarray(index.cpu() if isinstance(index, torch.Tensor) else index, dtype=np.int64)
        profile = self.profile if self.draw is None else self.draw(seed, rows)
        return profile, {"seed": seed, "index": rows, "sensor": self.sensor}


@final
class CameraAugment(_Augment):
    """Photograph a batch of scene-linear radiance.

    The noise of a row is a function of (seed, epoch, row index), wherever it stands in a batch. Nothing is copied: a
    tensor on the host or on a CUDA device is read where it is, and the image is made there. `torch.compile` leaves the
    module out of its graph and calls it as it is, since its kernels are compiled already.

    Args:
        profile: Built-in name or a profile.
        seed: Seed of the noise, [0, 2^64).
        draw: Gives a profile for each row, from a seed and row indices; None for `profile` in all rows.
        sensor: Number of the camera within its rig, [0, 2^16).

    Example:
        >>> augment = CameraAugment("generic_rgb", seed=1)
        >>> augment.set_epoch(3)
        >>> image = augment(batch["ideal/head/colour"], index=batch["sample/index"])
    """

    def __init__(
        self,
        profile: str | CameraProfile = "generic_rgb",
        *,
        seed: int,
        draw: ProfileDraw | None = None,
        sensor: int = 0,
    ) -> None:
        super().__init__(profile, seed=seed, draw=draw, sensor=sensor)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, radiance: torch.Tensor, *, index: torch.Tensor | ArrayLike, **given: Any) -> torch.Tensor:
        """Return the images.

        Args:
            radiance: Scene-linear radiance [W sr^-1 m^-2], float32 or float16, shape (N, H, W, 3).
            index: Row index of each image, shape (N,).
            given: Further arguments of `apply_camera`, such as `exposure_time`.

        Returns:
            sRGB, uint8, shape (N, H, W, 3), on the device of the radiance.
        """
        profile, address = self._settle(index)
        # The cameras stay what they are: only what changes from picture to picture changes with the epoch.
        image: torch.Tensor = apply_camera(radiance, profile, pattern_seed=self.seed, **address, **given).rgb
        return image


@final
class DepthAugment(_Augment):
    """Measure a batch of ideal depth; like `CameraAugment` in everything else.

    Args:
        profile: Built-in name or a profile.
        seed: Seed of the noise, [0, 2^64).
        draw: Gives a profile for each row, from a seed and row indices; None for `profile` in all rows.
        sensor: Number of the sensor within its rig, [0, 2^16).

    Example:
        >>> augment = DepthAugment("realsense_d435", seed=1)
        >>> depth, status = augment(batch["ideal/head/depth"], index=batch["sample/index"], fx=446.8)
    """

    def __init__(
        self,
        profile: str | DepthProfile = "realsense_d435",
        *,
        seed: int,
        draw: ProfileDraw | None = None,
        sensor: int = 0,
    ) -> None:
        super().__init__(profile, seed=seed, draw=draw, sensor=sensor)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(
        self, depth: torch.Tensor, *, index: torch.Tensor | ArrayLike, fx: Any, **given: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the readings.

        Args:
            depth: True depth [m], float32, shape (N, H, W).
            index: Row index of each image, shape (N,).
            fx: Focal length [px], a number or one for each image.
            given: Further arguments of `apply_depth`, such as `cosine`.

        Returns:
            Depth [m], float32, and status, uint8, shape (N, H, W), on the device of the depth.
        """
        profile, address = self._settle(index)
        reading = apply_depth(depth, profile, fx=fx, **address, **given)
        return reading.depth, reading.status
