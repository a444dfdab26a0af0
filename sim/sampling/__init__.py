"""Samplers: who proposes the points of a scene's parameter space."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import MAX_ATTEMPTS as MAX_ATTEMPTS
    from .base import Sampler as Sampler
    from .random import RandomSampler as RandomSampler
    from .sobol import SobolSampler as SobolSampler

_HOMES = {
    "MAX_ATTEMPTS": "base",
    "RandomSampler": "random",
    "Sampler": "base",
    "SobolSampler": "sobol",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
