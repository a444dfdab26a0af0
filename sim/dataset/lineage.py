"""Lineage: where the rows of a derived or imported dataset come from, and how their scenarios are numbered.

A row of such a dataset has `sample/source`, the number of a source in the description's table `sources`, and
`sample/source_index`, its number there. Its scenario is source * 2^40 + the scenario's number in that source: worlds of
two sources stay apart, and the lower 40 bits, which alone decide the split, are what they were. So a row keeps its
split whatever is merged, and one world that two sources hold is in one split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .specs import Array

SCENARIO_BITS = 40
"""Bits of a scenario's number within its source."""

MOST_SOURCES = 1 << 20
"""Most sources that one dataset has."""

_OWN = (1 << SCENARIO_BITS) - 1


def own_scenario(scenario: Any) -> Any:
    """Give the number that a scenario has in its own source.

    Example:
        >>> own_scenario((3 << 40) + 7)
        7
    """
    return scenario & _OWN


def number_scenarios(source: Array, scenario: Array) -> Array:
    """Number scenarios so that those of two sources stay apart.

    Args:
        source: Number of each row's source, shape (N,).
        scenario: Each row's scenario, numbered by its own source or by a dataset derived from it, shape (N,).

    Returns:
        Numbers, int64, shape (N,).

    Example:
        >>> number_scenarios(np.array([1]), np.array([7])).tolist()
        [1099511627783]
    """
    numbered: Array = (np.asarray(source, np.int64) << SCENARIO_BITS) + own_scenario(np.asarray(scenario, np.int64))
    return numbered


def check_lineage(arrays: Mapping[str, Array], source_count: int) -> None:
    """Check the lineage of rows.

    Args:
        arrays: Arrays by name.
        source_count: Sources that the description names.

    Raises:
        ValueError: A row has no source, one that is not there, or a scenario that is not its source's.
    """
    for name in ("sample/source", "sample/source_index", "sample/scenario"):
        if name not in arrays:
            raise ValueError(f"rows of a dataset with sources need {name}")
    source, scenario = arrays["sample/source"], arrays["sample/scenario"]
    if source.min() < 0 or source.max() >= source_count:
        raise ValueError(f"sample/source must be in [0, {source_count}), given {source.min()} to {source.max()}")
    if arrays["sample/source_index"].min() < 0:
        raise ValueError("sample/source_index must be 0 or more")
    if not np.array_equal(scenario >> SCENARIO_BITS, source):
        raise ValueError(f"sample/scenario must be sample/source * 2^{SCENARIO_BITS} + the number in that source")
