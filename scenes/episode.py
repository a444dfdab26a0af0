"""Episodes: how long a scenario goes on, and who acts in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .spelling import nearest

POLICIES: Final = ("hold", "random", "expert")
"""Who may act: nobody, chance, or a script that does the scene's task."""
MAX_HORIZON: Final = 10_000
"""Most instants of an episode."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """What is asked of a scenario beyond its first instant.

    Raises:
        ValueError: If the horizon is out of range or the policy unknown.

    Example:
        >>> Episode(horizon=200, policy="expert")
        Episode(horizon=200, policy='expert')
    """

    horizon: int = 200
    """Instants, the first included, range [1, `MAX_HORIZON`]."""
    policy: str = "expert"
    """Name out of `POLICIES`."""

    def __post_init__(self) -> None:
        if not 1 <= self.horizon <= MAX_HORIZON:
            raise ValueError(f"the horizon of an episode must be in [1, {MAX_HORIZON}], got {self.horizon}")
        if self.policy not in POLICIES:
            raise ValueError(f"unknown policy {self.policy!r} of an episode; {nearest(self.policy, POLICIES)}")
