"""What was measured of one stage of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .timing import Measurement, speed_ratio


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """A stage's rate, the roof it stands under, and peers that did the same."""

    stage: str
    """physics, render, sensors, compress, write or load."""
    unit: str
    """What is counted, e.g. row."""
    measurements: tuple[Measurement, ...]
    """Ours first; then its variants, the roof and peers, timed in turn with it."""
    roof: str | None = None
    """Name of the measurement that bounds it, whose items are those that the bound would allow."""
    peers: tuple[tuple[str, str], ...] = ()
    """Pairs of measurements that did the same work, ours first."""
    bytes_per_item: float | None = None
    """What one item reads and writes at least [byte]."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else stands beside the rate: costs per pixel, sizes, threads."""
    excluded: str = ""
    """What the clock did not see, and where the sides differ."""

    @property
    def ours(self) -> Measurement:
        """Our own measurement."""
        return self.measurements[0]

    @property
    def roof_fraction(self) -> tuple[float, float, float] | None:
        """First quartile, median and third quartile of our rate over that of the roof; None where there is none."""
        return None if self.roof is None else speed_ratio(self.ours, self._find(self.roof))

    @property
    def peer_ratios(self) -> dict[str, tuple[float, float, float]]:
        """The same of our rate over each peer's, by `ours / peer`."""
        return {f"{mine} / {peer}": speed_ratio(self._find(mine), self._find(peer)) for mine, peer in self.peers}

    def _find(self, name: str) -> Measurement:
        return next(measurement for measurement in self.measurements if measurement.name == name)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        fraction = self.roof_fraction
        return {
            "stage": self.stage,
            "unit": self.unit,
            "rate": self.ours.rate,
            "rate_quartiles": list(self.ours.rate_quartiles),
            "bytes_per_item": self.bytes_per_item,
            "roof": self.roof,
            "roof_fraction": None if fraction is None else _spread(fraction),
            "peers": {name: _spread(ratio) for name, ratio in self.peer_ratios.items()},
            "measurements": [{"name": m.name, **m.to_json()} for m in self.measurements],
            "facts": dict(self.facts),
            "excluded": self.excluded,
        }


def _spread(quartiles: tuple[float, float, float]) -> dict[str, Any]:
    low, middle, high = quartiles
    return {"median": middle, "quartiles": [low, high]}
