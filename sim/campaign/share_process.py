"""A process that makes its share of a campaign: `python -m simloom.sim.campaign.share_process`, one for each GPU.

It is told its share over its standard input, tells how far it is over its standard output, and ends where its parent
does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, BinaryIO

from ...scenes.process_pipe import TOLD_TO_END, end_on_sigterm, receive, send
from .share import Share, ShareResult


def _end_with_parent() -> None:
    while os.read(0, 1):  # past Python's buffer, whose lock an interpreter that ends would wait for
        pass  # nothing comes, until the parent is gone
    if not TOLD_TO_END.is_set():  # a second one would break off the commit that the first one lets end
        os.kill(os.getpid(), signal.SIGTERM)


def _make(share: Share, answers: BinaryIO) -> ShareResult:
    from .campaign import Campaign

    campaign = Campaign(
        share.recipe,
        share.out,
        samples=share.samples,
        workers=share.workers,
        device=share.device,
        batch=share.batch,
        snapshots=share.snapshots,
        scenarios_per_shard=share.scenarios_per_shard,
        processes=1,
        threads=share.threads,
        allow_code=share.allow_code,
        allow_mixed=share.allow_mixed,
    )
    lock = threading.Lock()

    def tell(made: int, committed: int) -> None:
        with lock:
            send(answers, ("progress", (made, committed)))

    try:
        campaign.make_share(share.shards, tell)
    finally:
        campaign.plan.scene.close()
    return ShareResult(
        rows_made=campaign.rows_made,
        draws=campaign.draws,
        examples=campaign.examples,
        outcomes=campaign.outcomes,
        times=campaign.times,
    )


def main() -> None:
    """Make the share that the parent tells."""
    from ..dataset.errors import DatasetError, write_error
    from ..errors import FaultError, SimloomError

    end_on_sigterm()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print into the messages
    try:
        share: Share = receive(sys.stdin.buffer)
    except EOFError:
        raise SystemExit(1) from None  # the parent is gone
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: tuple[str, Any]
    try:
        answer = ("done", _make(share, answers))
    except FaultError as error:
        answer = ("fault", (str(error), error.trace))
    except (SimloomError, DatasetError) as error:
        answer = ("error", (str(error), error.exit_code))
    except BrokenPipeError:
        raise SystemExit(1) from None  # the parent is gone
    except OSError as error:
        failure = write_error(error, str(error.filename or "a file"))
        answer = ("error", (str(failure), failure.exit_code))
    except Exception as error:
        answer = ("fault", (f"{type(error).__name__}: {error}", traceback.format_exc()))
    with suppress(BrokenPipeError):
        send(answers, answer)


if __name__ == "__main__":
    main()
