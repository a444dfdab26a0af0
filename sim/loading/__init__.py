"""Loading for PyTorch: batches in a known order, resumable, mixed by quota, measured anew in every epoch.

Names are resolved when they are first used (PEP 562), since most of them need torch.

Example:
    >>> loader = simloom.sim.loading.open_loader(dataset, batch_size=64)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augmentation import Augmentation as Augmentation
    from .batch_sampler import BatchSampler as BatchSampler
    from .collapse import Lineage as Lineage
    from .collapse import MixtureRefusedError as MixtureRefusedError
    from .collapse import find_refusals as find_refusals
    from .collapse import read_lineage as read_lineage
    from .disjoint import check_disjoint as check_disjoint
    from .loader import Loader as Loader
    from .mix_report import MixReport as MixReport
    from .mixture import Mixture as Mixture
    from .mixture import Source as Source
    from .open_loader import open_loader as open_loader
    from .open_loader import open_sampler as open_sampler
    from .order import Order as Order
    from .permutation import Permutation as Permutation
    from .torch_rows import TorchRows as TorchRows
    from .torch_rows import keep_batch as keep_batch

_HOMES = {
    "Augmentation": "augmentation",
    "BatchSampler": "batch_sampler",
    "Lineage": "collapse",
    "Loader": "loader",
    "MixReport": "mix_report",
    "Mixture": "mixture",
    "MixtureRefusedError": "collapse",
    "Order": "order",
    "Permutation": "permutation",
    "Source": "mixture",
    "TorchRows": "torch_rows",
    "check_disjoint": "disjoint",
    "find_refusals": "collapse",
    "keep_batch": "torch_rows",
    "open_loader": "open_loader",
    "open_sampler": "open_loader",
    "read_lineage": "collapse",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # `open_loader` is a module too: the function wins
    return value


def __dir__() -> list[str]:
    return list(__all__)
