"""Variants: kernel functions with other constants, so that one source serves blocks of many samples and of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, Final

from .device import scalar

_PACKAGE: Final = __name__.rpartition(".kernels")[0]


def vary(function: Callable[..., Any], constants: Mapping[str, Any]) -> Callable[..., Any]:
    """Return a scalar function that sees other values under some names, as does every function that it calls.

    What is compiled from it is inlined wherever it is called. Functions that use none of the names stay as they are.

    Args:
        function: Function made by `scalar`, of this package.
        constants: Values by the names that modules know them by.

    Example:
        >>> vary(shade_block, {"RED": np.uint64(22)})
    """
    return _vary(function, constants, {})


def _vary(function: Any, constants: Mapping[str, Any], known: dict[Any, Callable[..., Any]]) -> Callable[..., Any]:
    if function in known:
        return known[function]
    space, changed = function.__globals__, {}
    for name in _names(function.__code__):
        value = space.get(name)
        if name in constants and name in space:
            changed[name] = constants[name]
        elif isinstance(value, FunctionType) and value.__module__.startswith(f"{_PACKAGE}."):
            other = _vary(value, constants, known)
            if other is not value:
                changed[name] = other
    found: Callable[..., Any] = function
    if changed:
        found = FunctionType(
            function.__code__, {**space, **changed}, function.__name__, function.__defaults__, function.__closure__
        )
        found.__module__, found.__qualname__ = function.__module__, f"{function.__qualname__}_varied"
        scalar(forceinline=True)(found)
    known[function] = found
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
