"""Signals whose handler raised while a destructor ran, where Python prints the exception and drops it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

_PAUSE: Final = 0.01


def resend_dropped_signals(signals: Mapping[type[BaseException], int]) -> None:
    """Send this process a signal again where the exception that its handler raised was dropped.

    An exception that leaves a destructor or a weak reference's callback goes to `sys.unraisablehook` and nowhere else:
    whoever was told to end by it would go on.

    Args:
        signals: The signal by the exception that its handler raises.

    Example:
        >>> resend_dropped_signals({KeyboardInterrupt: signal.SIGINT})
    """
    report = sys.unraisablehook

    def send_again(dropped: Any) -> None:
        for kind, number in signals.items():
            if issubclass(dropped.exc_type, kind):
                # Sent at once, its handler would raise in here, where it is dropped again.
                timer = threading.Timer(_PAUSE, os.kill, (os.getpid(), number))
                timer.daemon = True
                timer.start()
                return
        report(dropped)

    sys.unraisablehook = send_again
