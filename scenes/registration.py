"""Registration of the environments with Gymnasium, now or when it is imported; it loads nothing itself."""

from __future__ import annotations

import sys
from typing import Any, Final

_HOME: Final = f"{__package__}.environments"
ENVIRONMENTS: Final = {
    "simloom/Driving-v0": (f"{_HOME}.driving:DrivingEnvironment", f"{_HOME}.driving:DrivingVectorEnvironment"),
    "simloom/Tabletop-v0": (f"{_HOME}.tabletop:TabletopEnvironment", f"{_HOME}.tabletop:TabletopVectorEnvironment"),
}
"""Environment id to the entry points of one environment and of a batch."""
_REGISTRATION: Final = "gymnasium.envs.registration"


def register_environments() -> None:
    """Register the environments with Gymnasium: now where it is loaded, else as soon as it is.

    Registering again does nothing, and neither does it where Gymnasium is not installed. Entry points are strings, so
    no scene is loaded before one is made.
    """
    if _REGISTRATION in sys.modules:
        _register(sys.modules[_REGISTRATION])
    elif not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting())


def _register(registration: Any) -> None:
    for name, (one, batch) in ENVIRONMENTS.items():
        if name not in registration.registry:
            registration.register(id=name, entry_point=one, vector_entry_point=batch)


class _Waiting:
    """Import finder that waits for Gymnasium's registry, registers once it has run, and is gone.

    Gymnasium 1.x has no plugin entry points, and importing it takes half a second that most users of simloom, who
    make no environment, should not wait for.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find the registry's module as others would, and see to it that we are told when it has run."""
        if name != _REGISTRATION:
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            loader, run = spec.loader, spec.loader.exec_module

            def run_and_register(module: Any) -> None:
                run(module)
                # The loader's own method is back; another copy of this module may have seen to it before.
                vars(loader).pop("exec_module", None)
                _register(module)

            loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec
