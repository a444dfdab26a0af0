"""The registry of arrays: names, dtypes, axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from naive.dataset_rows import make_rows
from simloom.sim.dataset.specs import (
    SPECS,
    find_spec,
    specs_table_markdown,
    validate_array,
    validate_arrays,
)


def test_names_are_matched_as_a_whole() -> None:
    """A concrete name finds its entry; anything more or less is refused."""
    assert find_spec("sensor/head/rgb").dtype == "|u1"
    assert find_spec("param/light.azimuth").axes == ("row", "value?")
    for name in (
        "sensor/head/rgb2",
        "sensor/rgb",
        "sensor/a/b/rgb",
        "sensor/../rgb",
        "/sample/index",
        "sample/index\n",
    ):
        with pytest.raises(KeyError, match="no array of a dataset"):
            find_spec(name)


def test_every_entry_is_consistent() -> None:
    """Patterns are unique, dtypes are little-endian spellings, rows lead."""
    assert len({spec.pattern for spec in SPECS}) == len(SPECS)
    for spec in SPECS:
        assert np.dtype(spec.dtype).str == spec.dtype
        assert spec.axes[0] == "row"
        assert spec.meaning
        assert set(spec.attributes()) == {"unit", "frame", "axes", "invalid", "meaning"}


@pytest.mark.parametrize(
    "name, array, message",
    [
        ("sample/index", np.zeros(3, np.int32), "dtype"),
        ("sample/index", np.zeros(3, ">i8"), "dtype"),
        ("sample/index", np.zeros((3, 1), np.int64), "axes"),
        ("sensor/head/rgb", np.zeros((3, 8, 8, 4), np.uint8), "'channel' has length 4 and must have 3"),
        ("sensor/head/depth", np.zeros((3, 0, 8), np.float32), "length 0"),
        ("sensor/head/depth", np.zeros((2, 8, 8), np.float32), "'row' has length 2"),
        ("object/valid", np.zeros((3, 5), np.uint8), "'slot' has length 5 and must have 4"),
    ],
)
def test_wrong_arrays_are_refused(name: str, array: np.ndarray, message: str) -> None:
    """The error names the array, what was given and what is allowed."""
    with pytest.raises(ValueError, match=message) as caught:
        validate_array(name, array, {"row": 3, "slot": 4})
    assert name in str(caught.value)


def test_images_of_one_camera_share_their_size() -> None:
    """Two cameras may differ in size, two images of one camera may not."""
    arrays = make_rows(range(2))
    assert validate_arrays(arrays)["head.width"] == 32
    arrays["sensor/wrist/rgb"] = np.zeros((2, 5, 6, 3), np.uint8)
    assert validate_arrays(arrays)["wrist.height"] == 5
    arrays["label/wrist/instance"] = np.zeros((2, 5, 7), np.uint16)
    with pytest.raises(ValueError, match="'width'"):
        validate_arrays(arrays)


def test_the_page_shows_the_registry(repository: Path) -> None:
    """The table in docs/dataset.md is the one that the registry makes."""
    assert specs_table_markdown() in (repository / "docs" / "dataset.md").read_text()
