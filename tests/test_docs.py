"""Every Python block of README.md and docs runs, and every relative link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS_DEMO = "<!-- needs: demo -->"
"""On the line before a block (a blank line between them is fine): the block finds a small dataset at data/demo."""


def _blocks() -> list[object]:
    """Collect (page, line of the code, code, whether it needs the dataset) of every block."""
    found: list[object] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            needs_demo = text[: match.start()].rstrip().endswith(NEEDS_DEMO)
            name = f"{page.relative_to(ROOT).as_posix()}:{line}"
            found.append(pytest.param(page, line, match.group(1), needs_demo, id=name))
    return found


@pytest.mark.parametrize("page, line, code, needs_demo", _blocks())
def test_block_runs(
    page: Path,
    line: int,
    code: str,
    needs_demo: bool,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader who pastes the block into a fresh interpreter sees no error."""
    if needs_demo:
        demo: Path = request.getfixturevalue("demo_dataset")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "demo").symlink_to(demo, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    program = compile("\n" * (line - 1) + code, str(page), "exec", dont_inherit=True)
    exec(program, {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link or picture names a file of the repository."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    targets = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    broken = [target for target in targets if target and not (page.parent / target).exists()]

    assert not broken, f"{page.name} links to what is not there: {broken}"
