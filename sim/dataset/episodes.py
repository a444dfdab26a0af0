"""Which rows belong to one episode, and in which order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .specs import Array


def find_episodes(rows: Array, address: Mapping[str, Array]) -> list[Array]:
    """Group rows by scenario, view and look, and sort each group by its steps.

    Args:
        rows: Row numbers.
        address: "scenario", "view", "look" and "step" of each.

    Returns:
        Row numbers, one array an episode, in the order of (scenario, view, look).

    Example:
        >>> find_episodes(np.arange(4), {"scenario": s, "view": v, "look": k, "step": t})
        [array([0, 2]), array([1, 3])]
    """
    if not len(rows):
        return []
    order = np.lexsort([address[name] for name in ("step", "look", "view", "scenario")])
    keys = np.stack([address[name][order] for name in ("scenario", "view", "look")])
    begins = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
    return list(np.split(rows[order], begins))
