"""Counts of a fault campaign: how often each region or step ended in which outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import final

TALLIES: dict[str, Tally] = {}
"""Campaigns of this test run, by title; `make faults` prints them."""


@final
class Tally:
    """What a campaign counted.

    Args:
        title: Name of the campaign.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.counts: Counter[tuple[str, str]] = Counter()
        TALLIES[title] = self

    def add(self, group: str, outcome: str, count: int = 1) -> None:
        """Count one case."""
        self.counts[group, outcome] += count

    def merge(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add what another process counted."""
        for group, outcomes in counts.items():
            for outcome, count in outcomes.items():
                self.add(group, outcome, count)

    @property
    def total(self) -> int:
        """Number of cases."""
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """Write the counts as a Markdown table."""
        groups = list(dict.fromkeys(group for group, _ in self.counts))
        outcomes = list(dict.fromkeys(outcome for _, outcome in self.counts))
        rows = [
            [group, str(sum(self.counts[group, outcome] for outcome in outcomes))]
            + [str(self.counts[group, outcome]) for outcome in outcomes]
            for group in groups
        ]
        sums = [str(sum(self.counts[group, outcome] for group in groups)) for outcome in outcomes]
        table = [["", "cases", *outcomes], ["---"] * (2 + len(outcomes)), *rows, ["all", str(self.total), *sums]]
        return [f"{self.title}:", "", *("| " + " | ".join(row) + " |" for row in table), ""]
