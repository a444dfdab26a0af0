"""What the tests of every room share."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes share the cores: a launch that does not ask for threads takes one.
    os.environ.setdefault("SIMLOOM_THREADS", "1")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout, which is also the package `simloom`."""
    return Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files in an order that suits two processes; skip, visibly, what needs a CUDA device where there is none."""
    # The renderer takes two minutes to compile. While one process runs the first examples of the docs, which need it,
    # the other tests sensors: begun at once in both, it would be compiled twice.
    sizes = Counter(item.path for item in items)
    folders = {item.path: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    ranks = {"test_docs.py": 0, "kernels": 1}
    items.sort(key=lambda item: (ranks.get(folders[item.path], 2), -sizes[item.path], item.path))
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    from simloom.kernels.device import available_devices

    if "cuda" in available_devices():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


@pytest.fixture(scope="session")
def demo_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset of the tabletop scene, made once and shared; read it, do not write into it."""
    import simloom

    folder = tmp_path_factory.mktemp("demo") / "data"
    simloom.generate(simloom.load_recipe("tabletop"), samples=8, out=folder)
    return folder
