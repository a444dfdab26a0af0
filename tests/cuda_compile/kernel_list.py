"""Every kernel of the package, and what each has been launched with."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("launches.json")
"""Kernel name -> launches; a launch names each argument's type, such as "float32[2]" or "int64", or for a table its
class and the types of its fields."""
KINDS = ("Kernel", "BlockKernel")
ROOMS = ("simloom.kernels", "simloom.renderers")

Launch = list[Any]


def find_kernels() -> dict[str, Any]:
    """Return every kernel that a module of the two lower rooms defines, by its name."""
    found: dict[str, Any] = {}
    for room in ROOMS:
        for info in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            # Only files that make a kernel are imported: others may need torch.
            origin = importlib.util.find_spec(info.name).origin
            if "Kernel(" in Path(origin).read_text():
                values = vars(importlib.import_module(info.name)).values()
                found |= {value.name: value for value in values if type(value).__name__ in KINDS}
    return dict(sorted(found.items()))


def read_launches() -> dict[str, list[Launch]]:
    """Return what has been recorded."""
    launches: dict[str, list[Launch]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    return launches


def write_launches(launches: dict[str, list[Launch]]) -> None:
    """Write the record, a launch a line, in an order of its own."""
    kernels = []
    for name, given in sorted(launches.items()):
        lines = ",\n".join(f"  {line}" for line in sorted({json.dumps(launch) for launch in given}))
        kernels.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    RECORD.write_text("{\n" + ",\n".join(kernels) + "\n}\n")


def find_table(path: str) -> type:
    """Return a named tuple's class."""
    module, _, name = path.rpartition(".")
    table: type = getattr(importlib.import_module(module), name)
    return table


def is_current(kernel: Any, launch: Launch) -> bool:
    """Return whether a recorded launch has the arguments that the kernel takes now."""
    if len(launch) != len(kernel._names):
        return False
    for argument in launch:
        for path, fields in argument.items() if isinstance(argument, dict) else ():
            try:
                known = find_table(path)._fields
            except (ImportError, AttributeError):
                return False
            if list(known) != list(fields):
                return False
    return True
