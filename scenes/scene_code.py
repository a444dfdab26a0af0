"""Scene code: what goes wrong in a scene of one's own is told as its author's mistake, with file and line."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from .named_values import UnknownValueError
from .physics import PhysicsError, WorldError
from .spelling import nearest

if TYPE_CHECKING:
    from .scenario import Scenario
    from .scene import Scene
    from .stage import Stage

_PACKAGE: Final = __name__.partition(".")[0]
_PASSED: Final = (WorldError, PhysicsError, MemoryError)
"""What is no mistake in the code: worlds that fail are tombstones."""


class SceneCodeError(RuntimeError):
    """A mistake in a scene of one's own; the message names its file and line."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    file: str
    line: int
    function: str
    below: str
    """Where simloom raised the error, if it did so below this place."""

    def __str__(self) -> str:
        inside = os.path.relpath(self.file)
        shown = self.file if inside.startswith("..") else inside
        where = f", in {self.function}" if self.function.isidentifier() else ""
        return f"{shown} line {self.line}{where}"


class SceneCode:
    """Turns errors of a scene's own code into `SceneCodeError` within a `with` block.

    Errors of simloom's own scenes pass, as do those of physics, which make tombstones.

    Args:
        module: Module of the scene's class.
        method: The method that is called; None where others may be at fault: then only errors that the own code raised
            itself, not those of what it called in simloom, are turned.
    """

    __slots__ = ("_method", "_module")

    def __init__(self, module: str, method: Callable[..., Any] | None = None) -> None:
        self._module = str(getattr(method, "__module__", module))
        self._method = method

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; an error of the scene's becomes ours."""
        if not isinstance(error, Exception) or isinstance(error, (SceneCodeError, *_PASSED)):
            return
        if _top(self._module) == _PACKAGE:
            return
        place = _find_place(error, trace, self._module)
        if self._method is None:
            if place is None or place.below:
                return
        elif place is None:
            place = _start_of(self._method)
        raise SceneCodeError(f"your scene, {place}: {_describe(error, place)}") from error


def make_stage(scene: Scene, scenario: Scenario) -> Stage:
    """Make a stage; a mistake in the code of the scene, where it is a user's, is told as such.

    Args:
        scene: The scene.
        scenario: The scenario.

    Returns:
        What `scene.stage` returns.

    Raises:
        SceneCodeError: If the scene's own code raises an error.
    """
    with SceneCode(type(scene).__module__):
        return scene.stage(scenario)


def _top(module: str) -> str:
    return module.partition(".")[0]


def _find_place(error: BaseException, trace: TracebackType | None, module: str) -> _Place | None:
    """Find the innermost line of the user's code that an error went through."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _Place(file=error.filename, line=error.lineno, function="", below="")
    found: _Place | None = None
    while trace is not None:
        code, name = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        if _is_own(name, code.co_filename, module):
            found = _Place(file=code.co_filename, line=trace.tb_lineno, function=code.co_name, below="")
        elif found is not None and _top(name) == _PACKAGE:
            below = f"{name.replace('.', '/')}.py line {trace.tb_lineno}"
            found = _Place(file=found.file, line=found.line, function=found.function, below=below)
        trace = trace.tb_next
    return found


def _is_own(name: str, file: str, module: str) -> bool:
    """Tell whether a frame is of the scene's module or of another that the user wrote."""
    top = _top(name)
    if top == _top(module):
        return True
    if top == _PACKAGE or top in sys.stdlib_module_names or not os.path.isfile(file):
        return False
    return not file.startswith((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))


def _start_of(method: Callable[..., Any]) -> _Place:
    code = getattr(method, "__code__", None)
    name = str(getattr(method, "__name__", "a method"))
    return _Place(
        file=getattr(code, "co_filename", "?"), line=getattr(code, "co_firstlineno", 0), function=name, below=""
    )


def _describe(error: Exception, place: _Place) -> str:
    """Say what went wrong; what simloom itself refused is a sentence already."""
    text = str(error)
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        names = [name for name in dir(error.obj) if not name.startswith("_")]
        hint = nearest(error.name, names)
        text += f"; {hint}" if hint.startswith("did") else ""
    if isinstance(error, ValueError | UnknownValueError) and text:
        return text
    raised = f" (raised in {place.below})" if place.below else ""
    return f"{type(error).__name__}: {text}{raised}"
