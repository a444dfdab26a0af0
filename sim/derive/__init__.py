"""Datasets made from datasets: merged, cut down, divided.

Names are resolved when they are first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .merge import merge_datasets as merge_datasets
    from .split import Split as Split
    from .split import split_dataset as split_dataset
    from .subset import subset_dataset as subset_dataset

_HOMES = {"Split": "split", "merge_datasets": "merge", "split_dataset": "split", "subset_dataset": "subset"}

__all__ = ["Split", "merge_datasets", "split_dataset", "subset_dataset"]


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use and remember it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
