"""Outcomes: how often scenarios failed, and why, beside the rows that tell of those that were left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .plain_file import Fields
from .specs import REASONS


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How many scenarios failed, by reason.

    Example:
        >>> Outcomes(redraws={"fell_off": 2}) + Outcomes(redraws={"fell_off": 1})
        Outcomes(tombstones={}, redraws={'fell_off': 3})
    """

    tombstones: Mapping[str, int] = field(default_factory=dict)
    """Scenarios that stayed invalid."""
    redraws: Mapping[str, int] = field(default_factory=dict)
    """Draws in whose place another was taken."""

    def __add__(self, other: Outcomes) -> Outcomes:
        return Outcomes(tombstones=_add(self.tombstones, other.tombstones), redraws=_add(self.redraws, other.redraws))

    @classmethod
    def count(cls, *, tombstones: Iterable[str], redraws: Iterable[str]) -> Self:
        """Count reasons.

        Args:
            tombstones: Reason of each scenario that stayed invalid.
            redraws: Reason of each draw that was replaced.

        Returns:
            The counts.
        """
        return cls(
            tombstones=_add({}, *({name: 1} for name in tombstones)), redraws=_add({}, *({name: 1} for name in redraws))
        )

    @property
    def tombstone_count(self) -> int:
        """Scenarios that stayed invalid, whatever the reason."""
        return sum(self.tombstones.values())

    @property
    def redraw_count(self) -> int:
        """Draws that were replaced, whatever the reason."""
        return sum(self.redraws.values())

    def count_of(self, reason: str) -> int:
        """Draws that failed for one reason, replaced or not."""
        return self.tombstones.get(reason, 0) + self.redraws.get(reason, 0)

    def to_json(self) -> dict[str, dict[str, int]]:
        """Return the counts, reasons in the order of their numbers."""
        return {"tombstones": dict(self.tombstones), "redraws": dict(self.redraws)}

    @classmethod
    def from_json(cls, value: Any, source: object) -> Self:
        """Read counts that need not be trusted.

        Raises:
            DatasetCorruptError: They are damaged.
        """
        fields = Fields(value, source)
        counts: dict[str, dict[str, int]] = {}
        for name in ("tombstones", "redraws"):
            given = Fields(fields.mapping(name), source)
            counts[name] = {reason: given.count(reason, 1) for reason in REASONS if reason in given.value}
        return cls(**counts)


def _add(*counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: total for reason in REASONS if (total := sum(each.get(reason, 0) for each in counts))}
