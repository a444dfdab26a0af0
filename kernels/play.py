"""The play operator: what a part with free play does when another one pushes it.

    y[k] = min( max( y[k - 1], x[k] - r ), x[k] + r )

x pushes, y follows within r on either side. It does not depend on how fast x moves, and forgets every turning point
that a larger one came after. Backlash of width b is one play with r = b/2; for an x of amplitude X, y has amplitude
X - r, and the loop is 2 r wide with an area of 4 r (X - r). Sums of plays make other loops (Prandtl-Ishlinskii).

Source: Visintin, "Differential Models of Hysteresis", 1994, chapter III.
"""

from __future__ import annotations

from typing import Any

from .device import scalar


@scalar
def follow_play(y: Any, x: Any, r: Any) -> Any:
    """Return where the follower is after the pusher has moved.

    Args:
        y: The follower before.
        x: The pusher now.
        r: Half of the free play, ≥ 0.
    """
    low, high = x - r, x + r
    y = y if y > low else low
    return y if y < high else high
