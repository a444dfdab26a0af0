"""Fields of a light block: what a look's light adds beside the surface's own fields (see `surface`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .surface import BLOCK


def _row(field: int) -> Any:
    return np.uint64(field * BLOCK)


AMBIENT = _row(0)
EXTRA_RED, EXTRA_GREEN, EXTRA_BLUE = _row(1), _row(2), _row(3)
AROUND_RED, AROUND_GREEN, AROUND_BLUE = _row(4), _row(5), _row(6)
ALONG_RED, ALONG_GREEN, ALONG_BLUE = _row(7), _row(8), _row(9)
SHARE = _row(10)
PLACE_A, PLACE_B, WEIGHT_X, WEIGHT_Y = _row(11), _row(12), _row(13), _row(14)
LIGHT_FIELD_COUNT = 15
"""Fields: share of the sky that nothing nearby hides; radiance of lamps and of the surface itself; of a sky image its
cosine-weighted mean over the surface and its radiance along the mirror direction; share of a lamp that is seen; and
scratch."""
