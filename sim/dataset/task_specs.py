"""The arrays of a task: what was done at each step of an episode, and what came of it."""

from __future__ import annotations

from .array_spec import ArraySpec, array

TASK_SPECS: tuple[ArraySpec, ...] = (
    array("task/action", "<f4", ("row", "action"), "Action that was taken in the row's state"),
    array("task/reward", "<f4", ("row",), "Reward of that action"),
    array("task/terminated", "|u1", ("row",), "1 where the episode ended with that action"),
    array("task/truncated", "|u1", ("row",), "1 where the episode was cut off after that action"),
    array("task/success", "|u1", ("row",), "1 where the task was solved with that action"),
)
"""Every kind of array that episodes fill."""
