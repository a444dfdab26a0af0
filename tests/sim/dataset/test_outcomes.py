"""Counts of failed scenarios, beside the rows."""

from __future__ import annotations

import pytest

from simloom.sim.dataset.errors import DatasetCorruptError
from simloom.sim.dataset.outcomes import Outcomes
from simloom.sim.dataset.specs import REASONS


def test_counts_add_up_in_the_order_of_the_reasons() -> None:
    """Sums do not depend on the order in which shards were made."""
    one = Outcomes.count(tombstones=["sunk"], redraws=["sunk", "exploded", "sunk"])
    two = Outcomes.count(tombstones=[], redraws=["not_settled"])

    assert one + two == two + one
    assert list((one + two).redraws.items()) == [("not_settled", 1), ("exploded", 1), ("sunk", 2)]
    assert (one.tombstone_count, (one + two).redraw_count) == (1, 4)


def test_counts_return_from_json() -> None:
    """Every reason is written and read."""
    counts = Outcomes.count(tombstones=REASONS[1:], redraws=REASONS[3:])

    assert Outcomes.from_json(counts.to_json(), "record") == counts


@pytest.mark.parametrize("damage", [[], {"tombstones": {}}, {"tombstones": {"sunk": -1}, "redraws": {}}])
def test_damaged_counts_are_refused(damage: object) -> None:
    """What is no table of counts is one clear error."""
    with pytest.raises(DatasetCorruptError, match="record"):
        Outcomes.from_json(damage, "record")
