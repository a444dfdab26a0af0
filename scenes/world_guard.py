"""World guards: PyBullet's errors, told as ours."""

from __future__ import annotations

from types import TracebackType

from .physics import WorldError


class WorldGuard:
    """Turns PyBullet's errors into `WorldError` within a `with` block; a generator would cost more than most calls.

    Args:
        what: What could not be done.
        error: PyBullet's kind of error.
    """

    __slots__ = ("_error", "_what")

    def __init__(self, what: str, error: type[BaseException]) -> None:
        self._what, self._error = what, error

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; an error of PyBullet's becomes ours."""
        if isinstance(error, self._error):
            raise WorldError(f"{self._what}: {error}") from error
