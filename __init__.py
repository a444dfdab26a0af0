"""simloom weaves parametric simulated scenes into labelled sensor data.

Every name here is resolved when it is first used (PEP 562): `import simloom` costs nothing, and a training job that
reads a dataset never loads the physics engine. The environments are registered
with Gymnasium, now or as soon as it is loaded.

Example:
    >>> import simloom
    >>> recipe = simloom.load_recipe("tabletop")
    >>> dataset = simloom.generate(recipe, samples=1000, out="data")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scenes.registration import register_environments

if TYPE_CHECKING:
    from . import kernels as kernels
    from . import renderers as renderers
    from . import scenes as scenes
    from . import sim as sim
    from .sim import generate as generate
    from .sim import load_recipe as load_recipe
    from .sim import open_dataset as open_dataset
    from .sim import stream as stream

    __version__: str

__all__ = ["__version__", "generate", "kernels", "load_recipe", "open_dataset", "renderers", "scenes", "sim", "stream"]

_ROOMS = ("kernels", "renderers", "scenes", "sim")
_FROM_SIM = ("generate", "load_recipe", "open_dataset", "stream")


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use and remember it.

    Args:
        name: The attribute asked for.

    Returns:
        The room, the function or the version string.

    Raises:
        AttributeError: If the name is not a public one.
    """
    from importlib import import_module

    value: Any
    if name in _ROOMS:
        value = import_module(f".{name}", __name__)
    elif name in _FROM_SIM:
        value = getattr(import_module(".sim", __name__), name)
    elif name == "__version__":
        value = _installed_version()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    """Read the version from the installed distribution; a bare checkout answers 0+unknown."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("simloom")
    except PackageNotFoundError:
        return "0+unknown"


register_environments()
