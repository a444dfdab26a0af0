"""One loader in a process and, where it must be, an interpreter of its own; spoken to by `loader_process.py`.

    python loader_program.py plain_loaders:NaiveH5py '{"batch": 32, "workers": 1}'

Each line of its input is a JSON request, each line of its output the answer. An epoch is timed here, from asking for
the first batch to having the last.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def serve(target: str, options: dict[str, Any]) -> None:
    """Answer requests until the input ends."""
    # Libraries print: what they print goes to the error stream, and answers to where output went before.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module, name = target.split(":")
    loader: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if loader is None:
                loader = getattr(import_module(module), name)(**options)
            answer = answer_request(loader, request)
        except Exception:
            answer = {"failed": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def answer_request(loader: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request says."""
    match request["do"]:
        case "write":
            loader.write(Path(request["source"]), Path(request["folder"]))
        case "open":
            loader.open(Path(request["folder"]))
            return {"stored_bytes": loader.stored_bytes(Path(request["folder"]))}
        case "epoch":
            return time_epoch(loader, request["epoch"])
        case "check":
            return check_epoch(loader)
        case "close":
            loader.close()
        case "call":
            answer: dict[str, Any] = getattr(loader, request["method"])(**request.get("given", {}))
            return answer
    return {}


def time_epoch(loader: Any, epoch: int) -> dict[str, Any]:
    """Time an epoch.

    Args:
        loader: An open loader.
        epoch: Which one.

    Returns:
        Seconds to the first batch and to the last, and rows.
    """
    rows, first = 0, 0.0
    begun = time.perf_counter()
    for batch in loader.batches(epoch):
        rows += len(batch["index"])
        first = first or time.perf_counter() - begun
    return {"seconds": time.perf_counter() - begun, "first": first, "rows": rows}


def check_epoch(loader: Any) -> dict[str, Any]:
    """Run an epoch and hash what it gave, whatever the order and however rows are grouped.

    Returns:
        How many rows came, how many different ones, and a digest of the different ones.
    """
    hashes: dict[int, str] = {}
    rows = 0
    for batch in loader.batches(0):
        arrays = {name: np.asarray(value) for name, value in batch.items()}
        for position, index in enumerate(arrays["index"].reshape(-1).tolist()):
            state, rows = hashlib.sha256(), rows + 1
            for name in sorted(arrays):
                if name != "index":
                    row = np.ascontiguousarray(arrays[name][position])
                    state.update(f"{name} {row.dtype.str} {row.shape}".encode())
                    state.update(row)
            if hashes.setdefault(index, state.hexdigest()) != state.hexdigest():
                raise RuntimeError(f"row {index} came twice with other values")
    digest = hashlib.sha256("".join(f"{index} {hashes[index]}\n" for index in sorted(hashes)).encode())
    return {"rows": rows, "distinct": len(hashes), "digest": digest.hexdigest()}


if __name__ == "__main__":
    serve(sys.argv[1], json.loads(sys.argv[2]))
