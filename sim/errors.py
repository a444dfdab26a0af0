"""Failures that a user can act on, each with the exit code that the command line gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class SimloomError(Exception):
    """A failure with one clear sentence for the user; subclasses fix the exit code."""

    exit_code: ClassVar[int] = 42


class UsageError(SimloomError):
    """Something asked for cannot be: a wrong name, folder, range or permission (exit code 2)."""

    exit_code: ClassVar[int] = 2


class RecipeError(UsageError):
    """A recipe that cannot be; the message names the line, what was given and what is allowed."""


class PassingError(SimloomError):
    """A failure that passes: the same command may succeed later and resumes (exit code 75)."""

    exit_code: ClassVar[int] = 75


class StoppedError(SimloomError):
    """The user asked to stop; all committed shards are kept (exit code 130)."""

    exit_code: ClassVar[int] = 130


class FaultError(SimloomError):
    """A fault of simloom's own in another process.

    Args:
        message: What was being done.
        trace: That process's traceback, which is worth a report.
    """

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


def nearest_name(given: str, allowed: Iterable[str]) -> str:
    """Suggest the nearest allowed name, as a phrase to append to an error.

    Args:
        given: What the user wrote.
        allowed: The names that exist.

    Returns:
        `"; did you mean 'views'?"`, or an empty string where nothing is near.

    Example:
        >>> nearest_name("vews", ["views", "looks"])
        "; did you mean 'views'?"
    """
    near = difflib.get_close_matches(str(given), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
