"""Labels that follow from an instance image: boxes and pixels of every object slot."""

from __future__ import annotations

import numpy as np

from ..dataset.specs import Array


def instance_boxes(instance: Array, slots: int) -> Array:
    """Find the box around the pixels of every instance.

    Args:
        instance: Slot + 1 of each pixel, 0 is background, shape (height, width).
        slots: Object slots.

    Returns:
        x_min, y_min, x_max, y_max, max exclusive, 0 where there is no pixel; float32, shape (slots, 4).
    """
    from scipy.ndimage import find_objects

    boxes = np.zeros((slots, 4), np.float32)
    for slot, found in enumerate(find_objects(instance.astype(np.int32), max_label=slots)):
        if found is not None:
            rows, columns = found
            boxes[slot] = columns.start, rows.start, columns.stop, rows.stop
    return boxes


def instance_pixels(instance: Array, slots: int) -> Array:
    """Count the pixels of every instance; int32, shape (slots,)."""
    return np.bincount(instance.reshape(-1), minlength=slots + 1)[1 : slots + 1].astype(np.int32)
