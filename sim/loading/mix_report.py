"""What a loader has handed out of each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """What was handed out of one source, over all ranks.

    Args:
        wanted_ratio: Share asked for.
        ratio: Share of the rows handed out; 0 before the first.
        rows_seen: Rows handed out, repeats included.
        row_count: Rows of the source.
        real_count: Those from a real sensor.
        made_count: Those that a learned model took part in.
    """

    wanted_ratio: float
    ratio: float
    rows_seen: int
    row_count: int
    real_count: int
    made_count: int

    @property
    def effective_epochs(self) -> float:
        """How often the source was gone through."""
        return self.rows_seen / self.row_count


@dataclass(frozen=True, kw_only=True)
class MixReport:
    """What a loader has handed out.

    Args:
        sources: By name.
        forced: Reasons against the mixture that `force=True` overruled.

    Example:
        >>> loader.report().sources["real"].effective_epochs
        3.5
    """

    sources: Mapping[str, SourceReport]
    forced: tuple[str, ...] = ()

    @property
    def real_ratio(self) -> float:
        """Share of real rows among those handed out, as far as sources are wholly real or not."""
        return sum(source.ratio * source.real_count / source.row_count for source in self.sources.values())
