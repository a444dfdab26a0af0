"""The command reference, made from the commands' own help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "scenes", "assets check", "assets compare", "profiles", "preview", "generate", "verify", "inspect",
    "merge", "subset", "split", "import coco", "import bop", "import robomimic",
    "calibrate camera", "calibrate depth", "calibrate lens", "calibrate imu", "doctor",
)  # fmt: skip
"""Commands in the order of the page."""

_HEAD = """# Command line

Made from each command's `--help`; after a change, `python -m simloom.sim.reference docs/cli.md` makes it again.

Every command answers a mistake by one sentence on standard error. Exit codes:

| Code | Meaning |
|---|---|
| 0 | done |
| 2 | usage, a recipe that cannot be, a wrong folder, no permission |
| 42 | corruption, or a failure that would repeat |
| 75 | a failure that passes, such as a full disk or SIGTERM: the same command resumes |
| 130 | interrupted by Ctrl-C: the same command resumes |
"""


def command_reference() -> str:
    """Make the page `docs/cli.md`.

    Returns:
        Markdown, one section per command.
    """
    sections = [_HEAD]
    for command in COMMANDS:
        sections.append(f"## {command}\n\n```text\n{_help(command)}\n```\n")
    return "\n".join(sections)


def _help(command: str) -> str:
    # In a process of its own with a fixed width, so that the page does not depend on the terminal.
    done = subprocess.run(
        [sys.executable, "-c", "from simloom.sim.cli import app; app(prog_name='simloom')", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"},
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(command_reference())
