"""Samplers: who proposes the points of a scene's parameter space."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import MAX_ATTEMPTS as MAX_ATTEMPTS
    from .base import Sampler as Sampler
    from .choose import make_sampler as make_sampler
    from .covering import CoveringSampler as CoveringSampler
    from .grid import GridSampler as GridSampler
    from .latin_hypercube import LatinHypercubeSampler as LatinHypercubeSampler
    from .random import RandomSampler as RandomSampler
    from .replay import ReplaySampler as ReplaySampler
    from .sobol import SobolSampler as SobolSampler

_HOMES = {
    "CoveringSampler": "covering",
    "GridSampler": "grid",
    "LatinHypercubeSampler": "latin_hypercube",
    "MAX_ATTEMPTS": "base",
    "RandomSampler": "random",
    "ReplaySampler": "replay",
    "Sampler": "base",
    "SobolSampler": "sobol",
    "make_sampler": "choose",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
