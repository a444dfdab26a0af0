"""Class ids of several sources."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naive.training_rows import make_shapes
from simloom.sim.errors import UsageError
from simloom.sim.loading.class_tables import check_classes


def _source(*arrays: str, **classes: int) -> Any:
    table = {str(number): name for name, number in classes.items()}
    return SimpleNamespace(shapes=dict.fromkeys(arrays), classes=table)


@pytest.mark.parametrize("array", ["label/head/class", "object/class", "label/lidar/return_class"])
def test_ids_with_two_names_are_refused(array: str) -> None:
    """An id that means two things, and a class with two ids, are named with the way out."""
    one = _source(array, background=0, floor=1, cup=2)
    with pytest.raises(UsageError, match="class 1 is 'floor' in 'sim' and 'ball' in 'real'; `simloom merge`"):
        check_classes({"sim": one, "real": _source(array, background=0, ball=1, box=2)}, [array])
    with pytest.raises(UsageError, match=r"'cup' is class 2 in 'sim' and 7 in 'real'.*out of `arrays`"):
        check_classes({"sim": one, "real": _source(array, background=0, cup=7)}, [array])
    with pytest.raises(UsageError, match="class 1 is 'floor' in 'sim' and 'ball' in 'real'"):
        check_classes({"sim": one, "bare": _source(), "real": _source(array, ball=1)}, [array])


def test_tables_that_agree_are_mixed() -> None:
    """Tables may lack what others have, and ids that no batch holds may mean anything."""
    one, other = _source("object/class", floor=1, cup=2), _source("object/class", floor=1, ball=3)
    check_classes({"sim": one, "real": other}, ["object/class", "sensor/head/rgb"])
    check_classes({"sim": one, "real": _source("object/class", ball=1)}, ["sensor/head/rgb", "object/asset"])
    check_classes({"sim": one, "real": _source(ball=1)}, ["object/class"])  # masked: the source has no ids
    check_classes({"sim": _source("object/class")}, ["object/class"])


def test_a_loader_refuses_them(tmp_path: Path) -> None:
    """The mixture of two datasets with two tables is refused where their classes are in the batch."""
    sim, real = make_shapes(tmp_path / "sim", 8), make_shapes(tmp_path / "real", 8, first=40)
    real.tables = {**real.tables, "classes": {"0": "background", "4": "ball"}}
    mix = {"real": (real, 0.5), "sim": 0.5}
    for arrays in (None, ["label/*"]):
        with pytest.raises(UsageError, match="class 4 is 'ball' in 'real' and 'box' in 'sim'"):
            sim.torch(batch_size=4, arrays=arrays, mix=mix)
    assert len(list(sim.torch(batch_size=4, arrays=["sensor/head/rgb"], mix=mix))) == 4
