"""Pipes to child processes of our own: messages with a length in front, and how such a child is started.

The pickles in the messages come from our own child or parent over our own pipe, and from nowhere else. A child is
started as a module of this package, never by running the user's main module again, so a script without a main guard, a
notebook and standard input all work.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

from .dropped_signals import resend_dropped_signals

_LENGTH: Final = struct.Struct("<Q")
TOLD_TO_END: Final = threading.Event()
"""Set in a child once SIGTERM came; who sends it for another reason need not send it again."""
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def send(pipe: BinaryIO, message: Any) -> None:
    """Write one message; OSError where the other side is gone."""
    send_packed(pipe, pack(message))


def pack(message: Any) -> bytes:
    """Return a message as `send_packed` takes it."""
    return pickle.dumps(message, protocol=5)


def send_packed(pipe: BinaryIO, data: bytes) -> None:
    """Write one message that is packed already; OSError where the other side is gone."""
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Read one message; EOFError where the other side is gone."""
    head = _read(pipe, _LENGTH.size)
    return pickle.loads(_read(pipe, _LENGTH.unpack(head)[0]))


def _read(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError("the pipe was closed")
    return data


def start_process(
    module: str, pass_fds: Sequence[int] = (), *, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `python -m module` with pipes to its standard input and output, on one thread.

    Args:
        module: Dotted name of the module.
        pass_fds: File descriptors that it inherits.
        environment: Variables that it sees beside this process's, such as those that give it more threads.

    Returns:
        The process.
    """
    variables = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1") | dict(environment or {})
    # What this process can import, the child can: the package may be on this process's path alone.
    path = [os.path.abspath(entry or os.curdir) for entry in sys.path]  # '' is the folder we are in
    variables["PYTHONPATH"] = os.pathsep.join(path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=variables,
        pass_fds=tuple(pass_fds),
    )


def end_on_sigterm() -> None:
    """Let SIGTERM end this child by SystemExit, so that what it holds is given back; Ctrl-C is left to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    resend_dropped_signals({SystemExit: signal.SIGTERM})


def _leave(*_: object) -> None:
    TOLD_TO_END.set()
    raise SystemExit(128 + signal.SIGTERM)
