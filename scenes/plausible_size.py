"""Plausible sizes of everyday things, and which unit a mesh was likely meant in when its size is not."""

from __future__ import annotations

import math
import re
from typing import Final

from .asset_declaration import UNITS

SIZES: Final[dict[str, tuple[float, float]]] = {
    "apple": (0.05, 0.12), "ball": (0.02, 0.4), "banana": (0.1, 0.25), "basket": (0.15, 0.9), "bed": (1.2, 2.5),
    "block": (0.01, 0.5), "bolt": (0.005, 0.3), "book": (0.1, 0.5), "bottle": (0.08, 0.45), "bowl": (0.06, 0.45),
    "bucket": (0.12, 0.6), "cabinet": (0.3, 2.5), "can": (0.06, 0.3), "car": (2.0, 7.0), "chair": (0.5, 1.5),
    "clamp": (0.03, 0.6), "cube": (0.01, 1.0), "cup": (0.05, 0.2), "drill": (0.12, 0.5), "duck": (0.04, 0.8),
    "fork": (0.1, 0.35), "gear": (0.005, 0.6), "glass": (0.05, 0.3), "hammer": (0.15, 0.8), "jar": (0.05, 0.4),
    "kettle": (0.12, 0.4), "key": (0.03, 0.12), "keyboard": (0.2, 0.6), "knife": (0.1, 0.5), "lamp": (0.1, 2.2),
    "laptop": (0.2, 0.5), "lemon": (0.04, 0.12), "monitor": (0.25, 1.2), "mouse": (0.06, 0.15), "mug": (0.06, 0.2),
    "nut": (0.003, 0.1), "orange": (0.05, 0.12), "pallet": (0.6, 1.5), "pan": (0.15, 0.7), "pear": (0.06, 0.15),
    "pen": (0.08, 0.2), "pencil": (0.05, 0.25), "phone": (0.08, 0.25), "pitcher": (0.12, 0.4), "plate": (0.1, 0.4),
    "pliers": (0.1, 0.35), "pot": (0.1, 0.6), "remote": (0.08, 0.3), "scissors": (0.08, 0.35), "screw": (0.003, 0.2),
    "screwdriver": (0.08, 0.5), "shelf": (0.3, 2.5), "shoe": (0.12, 0.4), "sofa": (1.0, 4.0), "spatula": (0.15, 0.5),
    "spoon": (0.08, 0.4), "stool": (0.25, 1.2), "table": (0.4, 3.5), "teddy": (0.08, 1.2), "tool": (0.05, 1.0),
    "toy": (0.02, 1.0), "tray": (0.15, 0.8), "vase": (0.08, 1.0), "wrench": (0.06, 0.6),
}  # fmt: skip
"""Longest side of things by the last word of their class [m], small to large ones on sale; judged, not measured."""
ANYTHING: Final = (0.004, 4.0)
"""Longest side that needs no question where the class is not known [m]."""


def plausible_size(class_name: str | None, file_name: str) -> tuple[str, tuple[float, float]]:
    """Return what a thing is taken for, and the range of its longest side [m].

    Args:
        class_name: Its class; None = not declared.
        file_name: Name of its file, which is looked at where the class says nothing.

    Returns:
        The word, empty where none is known, and the range.
    """
    for text in (class_name or "", file_name):
        words = [word for word in re.split(r"[^a-z]+", text.lower()) if word]
        for word in reversed(words):
            for known in (word, word.removesuffix("s")):
                if known in SIZES:
                    return known, SIZES[known]
    return "", ANYTHING


def likely_unit(size: float, low: float, high: float, current: float = 1.0) -> str | None:
    """Return the unit in which a mesh would have a plausible size.

    Args:
        size: Longest side in the present unit [m].
        low: Smallest plausible side [m].
        high: Largest [m].
        current: Metres per unit of the mesh at present.

    Returns:
        The unit's name, the one that comes nearest to the middle of the range; None where none is within twice the
        range.
    """
    raw, middle = size / current, math.sqrt(low * high)
    fitting = [name for name, metres in UNITS.items() if 0.5 * low <= raw * metres <= 2.0 * high]
    return min(fitting, key=lambda name: abs(math.log(raw * UNITS[name] / middle)), default=None)


def likely_scale(size: float, low: float, high: float) -> float:
    """Return the power of ten that brings a size [m] nearest to the middle of a range [m]."""
    return float(10.0 ** round(math.log10(math.sqrt(low * high) / size)))
