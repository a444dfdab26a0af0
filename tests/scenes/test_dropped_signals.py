"""A signal that comes while a destructor runs still ends the process."""

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal, sys, time
from simloom.scenes.dropped_signals import resend_dropped_signals
from simloom.scenes.process_pipe import end_on_sigterm

kind = sys.argv[1]
if kind == "worker":
    end_on_sigterm()
elif kind == "interrupt":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    resend_dropped_signals({KeyboardInterrupt: signal.SIGINT})


class Slow:
    def __del__(self):
        signal.raise_signal(signal.SIGINT if kind == "interrupt" else signal.SIGTERM)


one = Slow()
del one
time.sleep(20)
print("went on")
"""


@pytest.mark.parametrize("kind, code", [("worker", 143), ("interrupt", -signal.SIGINT)])
def test_a_signal_in_a_destructor_is_not_lost(kind, code):
    """The exception of the handler is dropped there; the signal is not, and nothing is printed of the worker."""
    run = subprocess.run([sys.executable, "-c", SCRIPT, kind], capture_output=True, text=True, timeout=60)
    assert run.returncode == code
    assert not run.stdout
    assert "Exception ignored" not in run.stderr
    assert ("Traceback" in run.stderr) == (kind == "interrupt")


def test_other_exceptions_are_reported():
    """What no signal raised is printed as ever."""
    script = SCRIPT.replace("signal.raise_signal", "int('x') or signal.raise_signal").replace("time.sleep(20)", "")
    run = subprocess.run([sys.executable, "-c", script, "worker"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0
    assert "ValueError" in run.stderr
