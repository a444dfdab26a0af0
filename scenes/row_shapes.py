"""What a row holds of its object slots, contacts, address and task: types and shapes by name."""

from __future__ import annotations

from typing import Final

import numpy as np

OBJECT_SHAPES: Final[dict[str, tuple[type, tuple[int, ...]]]] = {
    "valid": (np.uint8, ()),
    "class": (np.int32, ()),
    "asset": (np.int32, ()),
    "pose_world_object": (np.float64, (4, 4)),
    "extent": (np.float64, (3,)),
    "box_center": (np.float64, (3,)),
    "box_corners": (np.float64, (8, 3)),
    "scale": (np.float64, (3,)),
    "mass": (np.float64, ()),
    "friction": (np.float64, ()),
}
"""Type and shape of a slot of `object/...`."""
CONTACT_SHAPES: Final[dict[str, tuple[type, tuple[int, ...]]]] = {
    "contact_instances": (np.int32, (2,)),
    "contact_position": (np.float64, (3,)),
    "contact_normal": (np.float64, (3,)),
    "contact_force": (np.float64, ()),
    "contact_distance": (np.float64, ()),
}
"""Type and shape of a contact of `state/...`."""
SAMPLE_TYPES: Final[dict[str, type]] = {
    "index": np.int64,
    "scenario": np.int64,
    "step": np.int32,
    "view": np.int32,
    "look": np.int32,
    "valid": np.uint8,
    "reason": np.uint8,
    "attempt": np.int32,
    "seed": np.uint64,
    "weight": np.float64,
    "log_density": np.float64,
    "is_real": np.uint8,
    "generation": np.int32,
    "verdict": np.uint8,
}
"""Type of `sample/...`."""
TASK_TYPES: Final[dict[str, type]] = {
    "reward": np.float32,
    "terminated": np.uint8,
    "truncated": np.uint8,
    "success": np.uint8,
}
"""Type of `task/...`, but for the action."""
