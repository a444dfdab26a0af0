"""Real data, copied from other formats into datasets.

Names are resolved when they are first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bop import import_bop as import_bop
    from .coco import import_coco as import_coco
    from .import_rows import Imported as Imported
    from .robomimic import import_robomimic as import_robomimic

_HOMES = {"Imported": "import_rows", "import_bop": "bop", "import_coco": "coco", "import_robomimic": "robomimic"}

__all__ = ["Imported", "import_bop", "import_coco", "import_robomimic"]


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
