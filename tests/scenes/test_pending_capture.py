"""Pending captures: what their seconds by step mean."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simloom.scenes.pending_capture import PendingCapture

WORK = 0.05
"""How long the device takes for what is queued [s]."""


class _Device:
    """A stream that is queued to at once and done later."""

    def finish_work(self) -> None:
        time.sleep(WORK)

    def mark(self) -> Any:
        return self

    def wait(self) -> None:
        time.sleep(WORK)


@pytest.mark.parametrize("apart,slow", [(False, {"render"}), (True, {"render", "sensors", "gather"})])
def test_steps_are_told_apart_where_the_device_is_waited_for(apart: bool, slow: set[str]) -> None:
    """Else the host's seconds say little of the device's: the whole wait counts for rendering."""
    pending = PendingCapture({}, looks=1, stream=_Device(), apart=apart)  # type: ignore[arg-type]
    for step in ("render", "sensors"):
        with pending.timed(step):
            pass
    pending.close()
    seconds = pending.finish()

    assert slow == {step for step, taken in seconds.items() if taken >= 0.9 * WORK}
