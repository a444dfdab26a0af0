"""Which rows of a dataset its contact sheet shows."""

from __future__ import annotations

import numpy as np

from ..dataset.dataset import Dataset

SHEET_ROWS = 8
"""Rows on the contact sheet."""
_EPISODES = 2


def choose_sheet_rows(dataset: Dataset, *, rows_per_scenario: int, has_episodes: bool) -> list[int]:
    """Choose rows that show what there is: spread over all scenarios, or over the time of two episodes.

    Args:
        dataset: The dataset, as it is read.
        rows_per_scenario: Rows of one scenario.
        has_episodes: Whether rows are instants of episodes.

    Returns:
        Positions in the dataset, in order.
    """
    count = min(SHEET_ROWS, len(dataset))
    if has_episodes:
        found = dataset.episodes()
        told = found[:: max(-(-len(found) // _EPISODES), 1)]
        each = max(count // max(len(told), 1), 1)
        rows = [episode[np.linspace(0, len(episode) - 1, min(each, len(episode))).astype(int)] for episode in told]
        return [int(place) for place in np.searchsorted(dataset.rows, np.concatenate(rows))] if rows else []
    # Spread over the dataset, and over views and looks as well.
    spread = [i * len(dataset) // count + i % rows_per_scenario for i in range(count)]
    return sorted({min(position, len(dataset) - 1) for position in spread})
