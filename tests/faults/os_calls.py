"""Stand between the writer and the operating system: every call that changes a folder passes through one function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

CALLS = ("open", "posix_fallocate", "write", "fsync", "close", "link", "replace", "unlink", "mkdir")
"""Calls by which simloom writes, as `os` names them."""


class PassOn(Protocol):
    """Gets the name of a call, the call itself, and its arguments; what it returns or raises is the call's result."""

    def __call__(self, name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any: ...


@contextmanager
def intercept_calls(pass_on: PassOn) -> Iterator[None]:
    """Send the calls of this process through a function; for forked processes, which end afterwards."""
    real = {name: getattr(os, name) for name in CALLS}

    def wrap(name: str) -> Callable[..., Any]:
        return lambda *args, **named: pass_on(name, real[name], *args, **named)

    for name in CALLS:
        setattr(os, name, wrap(name))
    try:
        yield
    finally:
        for name in CALLS:
            setattr(os, name, real[name])
