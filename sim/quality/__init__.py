"""Quality: checks that give each row its verdict, and the gate that judges a whole dataset."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks import judge_rows as judge_rows
    from .checks import needed_outputs as needed_outputs
    from .gate import GateLine as GateLine
    from .gate import run_gate as run_gate

_HOMES = {"GateLine": "gate", "judge_rows": "checks", "needed_outputs": "checks", "run_gate": "gate"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
