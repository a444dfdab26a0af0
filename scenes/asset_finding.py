"""Findings about assets: what is wrong, how badly, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Level = Literal["refused", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("refused", "warning", "note")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found."""

    level: Level
    """refused: it cannot be used; warning: look at it; note: worth knowing."""
    code: str
    """A short name for machines, such as `size`."""
    message: str
    """What was found."""
    advice: str = ""
    """What to do."""

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


@dataclass(frozen=True, kw_only=True)
class AssetReport:
    """What the check says of one asset."""

    name: str
    """Path relative to the folder."""
    findings: tuple[Finding, ...]
    """What was found, the worst first."""
    class_name: str | None = None
    """Its class."""
    split: str | None = None
    """Its split; None where it is refused."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Measured values: size [m], triangles, volume [m^3], mass [kg], inertia [kg m^2], and so on."""

    @property
    def status(self) -> str:
        """The word: ok, warning or refused."""
        levels = {finding.level for finding in self.findings}
        return "refused" if "refused" in levels else "warning" if "warning" in levels else "ok"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "status": self.status,
            "class": self.class_name,
            "split": self.split,
            "facts": dict(self.facts),
            "findings": [asdict(finding) for finding in self.findings],
        }
