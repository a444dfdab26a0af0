"""Quality: checks that give each row its verdict, the gate that judges a dataset, and what a dataset covers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks import judge_rows as judge_rows
    from .checks import needed_outputs as needed_outputs
    from .coverage import Coverage as Coverage
    from .coverage import dataset_coverage as dataset_coverage
    from .coverage import measure_coverage as measure_coverage
    from .coverage_picture import draw_coverage as draw_coverage
    from .gate import GateLine as GateLine
    from .gate import run_gate as run_gate

_HOMES = {
    "Coverage": "coverage",
    "GateLine": "gate",
    "dataset_coverage": "coverage",
    "draw_coverage": "coverage_picture",
    "judge_rows": "checks",
    "measure_coverage": "coverage",
    "needed_outputs": "checks",
    "run_gate": "gate",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
