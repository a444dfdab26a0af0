"""Watches over the processes that share a campaign: sums how far they are, and ends all where one fails."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast, final

from ...scenes.process_pipe import receive, send, start_process
from ..errors import FaultError, PassingError, SimloomError, UsageError
from .share import Share, ShareResult

_PATIENCE = 30.0
"""Time that a process is given to end [s], before it is killed."""
_KEPT = "what is committed is kept, the same command resumes"


@final
class ShareSupervisor:
    """Runs shares in processes of their own.

    Args:
        shares: The shares.
        tell: Called with the rows made and the rows committed by all of them.

    Example:
        >>> results = ShareSupervisor(shares, tell=lambda made, committed: None).run()
    """

    def __init__(self, shares: Sequence[Share], *, tell: Callable[[int, int], None]) -> None:
        self._shares, self._tell = tuple(shares), tell
        self._messages: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listeners: list[threading.Thread] = []

    def run(self) -> list[ShareResult]:
        """Start them and wait for all.

        Returns:
            What came of each, in the order of the shares.

        Raises:
            SimloomError: The first failure, with its exit code; the other processes are ended.
            PassingError: If a process died.
        """
        results: dict[int, ShareResult] = {}
        far = [(0, 0)] * len(self._shares)
        try:
            for number, share in enumerate(self._shares):
                self._start(number, share)
            while len(results) < len(self._shares):
                try:
                    number, kind, value = self._messages.get(timeout=1.0)  # so that Ctrl-C is heard
                except queue.Empty:
                    continue
                if kind == "progress":
                    # Two threads of a process tell: what was counted first may come last.
                    far[number] = (max(far[number][0], value[0]), max(far[number][1], value[1]))
                    self._tell(sum(made for made, _ in far), sum(committed for _, committed in far))
                elif kind == "done":
                    results[number] = value
                elif number not in results:
                    self._raise(self._shares[number], self._processes[number], kind, value)
        finally:
            self._end()
        return [results[number] for number in range(len(self._shares))]

    def _start(self, number: int, share: Share) -> None:
        threads = str(share.threads)
        environment = dict.fromkeys(("SIMLOOM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), threads)
        if share.gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = share.gpu
        process = start_process("simloom.sim.campaign.share_process", environment=environment)
        self._processes.append(process)
        with suppress(OSError):  # the answer will not come, and says so
            send(cast("Any", process.stdin), share)
        listener = threading.Thread(target=self._listen, args=(number, process), daemon=True)
        self._listeners.append(listener)
        listener.start()

    def _listen(self, number: int, process: subprocess.Popen[bytes]) -> None:
        try:
            while True:
                kind, value = receive(cast("Any", process.stdout))
                self._messages.put((number, kind, value))
        except Exception as error:  # EOFError where it ended; anything else is told as well
            self._messages.put((number, "ended", error))

    def _raise(self, share: Share, process: subprocess.Popen[bytes], kind: str, value: Any) -> None:
        where = f"the process of {share.name}"
        if kind == "fault":
            raise FaultError(f"{where}: {value[0]}", value[1])
        if kind == "error":
            message, code = value
            kinds: dict[int, type[SimloomError]] = {2: UsageError, 75: PassingError}
            raise kinds.get(code, SimloomError)(f"{where}: {message}")
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_PATIENCE)
        raise PassingError(f"{where} ended (exit code {process.returncode}); {_KEPT}")

    def _end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
            if process.stdin is not None:  # after the signal: whoever had it leaves it at that
                with suppress(OSError):
                    process.stdin.close()
        for process in self._processes:
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process, listener in zip(self._processes, self._listeners, strict=False):
            listener.join(timeout=_PATIENCE)
            if process.stdout is not None:
                process.stdout.close()
