"""Checks of profile values; each error says what was given, what is allowed and what to set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_range(profile: Any, name: str, low: float, high: float) -> None:
    """Check that a field is a finite number within a closed range.

    Raises:
        ValueError: If it is not.
    """
    value = getattr(profile, name)
    if not _is_within(value, low, high):
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}; set {_where(profile, name)}")


def check_whole(profile: Any, name: str, low: int, high: int) -> None:
    """Check that a field is a whole number within a closed range.

    Raises:
        ValueError: If it is not.
    """
    value = getattr(profile, name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            f"{name} must be a whole number in [{low}, {high}], got {value!r}; set {_where(profile, name)}"
        )


def check_numbers(profile: Any, name: str, count: int, low: float, high: float) -> None:
    """Check that a field is a tuple of so many finite numbers within a closed range.

    Raises:
        ValueError: If it is not.
    """
    values = getattr(profile, name)
    if (
        not isinstance(values, tuple)
        or len(values) != count
        or not all(_is_within(value, low, high) for value in values)
    ):
        raise ValueError(
            f"{name} must be {count} numbers in [{low:g}, {high:g}], got {values!r}; set {_where(profile, name)}"
        )


def check_choice(profile: Any, name: str, choices: Sequence[str]) -> None:
    """Check that a field is one of some words.

    Raises:
        ValueError: If it is not.
    """
    value = getattr(profile, name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}; set {_where(profile, name)}")


def check_flag(profile: Any, name: str) -> None:
    """Check that a field is true or false.

    Raises:
        ValueError: If it is not.
    """
    value = getattr(profile, name)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}; set {_where(profile, name)}")


def _is_within(value: Any, low: float, high: float) -> bool:
    # Compared before anything else: a whole number may be larger than any float.
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _where(profile: Any, name: str) -> str:
    return f"{type(profile).__name__}.{name}"
