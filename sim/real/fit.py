"""Fit images of any size to the one size that a dataset has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ..dataset.specs import Array
from ..errors import UsageError

Fit: TypeAlias = Literal["letterbox", "resize"]
"""Keep the sides' ratio and pad with black, or stretch to the size."""

MAX_SIDE = 8192
"""Longest side of a dataset's images [pixel]."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The image size of a dataset, and how images get it.

    Args:
        width: Width [pixel].
        height: Height [pixel].
        fit: "letterbox" or "resize".

    Raises:
        UsageError: A side or the way cannot be.

    Example:
        >>> Frame(width=64, height=48).place(640, 480).intrinsics(np.diag([600.0, 600.0, 1.0]))[0, 0]
        60.0
    """

    width: int
    height: int
    fit: Fit = "letterbox"

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_SIDE:
                raise UsageError(f"the size's {name} must be in [1, {MAX_SIDE}] pixels, got {value!r}")
        if self.fit not in ("letterbox", "resize"):
            raise UsageError(f"fit must be 'letterbox' or 'resize', got {self.fit!r}")

    def place(self, width: int, height: int) -> Placement:
        """Tell where an image of another size goes."""
        if self.fit == "resize":
            return Placement(frame=self, width=self.width, height=self.height, left=0, top=0, source=(width, height))
        scale = min(self.width / width, self.height / height)
        wide = min(self.width, max(1, round(width * scale)))
        tall = min(self.height, max(1, round(height * scale)))
        left, top = (self.width - wide) // 2, (self.height - tall) // 2
        return Placement(frame=self, width=wide, height=tall, left=left, top=top, source=(width, height))


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where one image lies in the frame.

    Args:
        frame: The frame.
        width: Width of the image in the frame [pixel].
        height: Height of the image in the frame [pixel].
        left: Columns left of it.
        top: Rows above it.
        source: Width and height of the image itself.
    """

    frame: Frame
    width: int
    height: int
    left: int
    top: int
    source: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the frame per pixel of the image, along x and y."""
        return self.width / self.source[0], self.height / self.source[1]

    def colour(self, image: Array) -> Array:
        """Place a colour image; shrunk by the area, enlarged linearly."""
        import cv2

        shrinks = self.width < self.source[0] or self.height < self.source[1]
        return self._paste(image, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def labels(self, image: Array) -> Array:
        """Place labels or depth: each pixel takes the value of the nearest pixel of the image."""
        import cv2

        return self._paste(image, cv2.INTER_NEAREST_EXACT)

    def _paste(self, image: Array, method: int) -> Array:
        import cv2

        if image.shape[:2] != (self.source[1], self.source[0]):
            raise ValueError(f"an image of {self.source} is placed, given {image.shape}")
        out = np.zeros((self.frame.height, self.frame.width, *image.shape[2:]), image.dtype)
        inner = image
        if (self.width, self.height) != self.source:
            inner = np.asarray(cv2.resize(image, (self.width, self.height), interpolation=method))
        out[self.top : self.top + self.height, self.left : self.left + self.width] = inner
        return out

    def boxes(self, boxes: Array) -> Array:
        """Place boxes x_min, y_min, x_max, y_max in pixel edges (max exclusive), shape (..., 4)."""
        x, y = self.scale
        return np.asarray(boxes * (x, y, x, y) + (self.left, self.top, self.left, self.top), np.float64)

    def intrinsics(self, camera_matrix: Array) -> Array:
        """Place a camera matrix; the centre of pixel (0, 0) is at (0, 0), before and after.

        Args:
            camera_matrix: K of the image, shape (3, 3).
        """
        x, y = self.scale
        placed = np.array(camera_matrix, np.float64)
        placed[0] *= x
        placed[1] *= y
        # Half a pixel of the image and half a pixel of the frame differ.
        placed[0, 2] += 0.5 * x - 0.5 + self.left
        placed[1, 2] += 0.5 * y - 0.5 + self.top
        return placed


def parse_size(text: str) -> tuple[int, int]:
    """Read a size such as "640x480".

    Raises:
        UsageError: It is none.
    """
    width, cross, height = text.lower().partition("x")
    if not cross or not width.strip().isdigit() or not height.strip().isdigit():
        raise UsageError(f"a size is WIDTHxHEIGHT, e.g. 640x480, got {text!r}")
    return int(width), int(height)
