"""Rejection: why a dataset of which no row was accepted has none, in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from ..dataset.reader import open_dataset
from ..dataset.specs import REASONS
from ..recipe import Checks, load_recipe
from .checks import failed_checks

_MOST_ROWS = 64


def explain_rejection(folder: str | Path) -> str | None:
    """Say why no row of a dataset was accepted.

    Args:
        folder: The dataset.

    Returns:
        One sentence that names the commonest reason; None where a row was accepted, or there is none.

    Example:
        >>> explain_rejection("data/demo")
        'none of the 8 rows was accepted; the commonest reason is not_settled (6 rows)'
    """
    with open_dataset(folder, skip_rejected=False) as dataset:
        valid = dataset.array("sample/valid") == 1
        if not len(valid) or (valid & (dataset.array("sample/verdict") == 0)).any():
            return None
        reasons = Counter(REASONS[int(number)] for number in dataset.array("sample/reason")[~valid])
        del reasons["episode_over"]  # padding is no failure
        judged = np.flatnonzero(valid)
        checks: Checks = load_recipe(dataset.folder / "recipe.yaml").checks
        told = judged[:: -(-len(judged) // _MOST_ROWS)] if len(judged) else judged  # the images of all would be large
        rows = dataset.rows
        failed: Counter[str] = Counter()
        for place in told.tolist():
            row = {name: np.asarray(value)[None] for name, value in dataset.row(int(rows[place])).items()}
            failed.update(failed_checks(row, checks) or ["a check whose arrays are not written"])
        for name, count in failed.items():
            reasons[name] = round(count * len(judged) / len(told))
        name, count = reasons.most_common(1)[0]
        about = "about " if name in failed and len(told) < len(judged) else ""
        return f"none of the {len(valid)} rows was accepted; the commonest reason is {name} ({about}{count} rows)"
