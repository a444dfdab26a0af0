"""Which arrays a batch holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simloom.sim.errors import UsageError
from simloom.sim.loading.array_choice import choose_arrays


def _source(**more: tuple[str, tuple[int, ...]]) -> Any:
    arrays = {"sample/index": ("<i8", ()), "label/head/class": ("|u1", (4, 5)), **more}
    return SimpleNamespace(shapes={name: (np.dtype(kind), shape) for name, (kind, shape) in arrays.items()})


def test_what_torch_cannot_hold_is_left_out() -> None:
    """Texts and numbers of the other byte order are not among all arrays, and asked for they are an error."""
    source = _source(**{"label/name": ("S8", ()), "label/old": (">f4", (2,)), "label/half": ("<f2", ())})
    assert list(choose_arrays({"data": source}, None)) == ["label/half", "label/head/class", "sample/index"]
    for name in ("label/name", "label/old"):
        with pytest.raises(UsageError, match=f"torch has no type for '{name}'"):
            choose_arrays({"data": source}, [name])


def test_every_type_of_the_files_is_a_tensor() -> None:
    """All types that the registry of arrays names can be loaded."""
    import torch

    from simloom.sim.dataset.specs import SPECS

    for kind in sorted({spec.dtype for spec in SPECS}):
        source = _source(**{"label/any": (kind, (2,))})
        assert choose_arrays({"data": source}, ["label/any"])["label/any"] == (np.dtype(kind), (2,))
        assert torch.from_numpy(np.zeros(2, kind)).numpy().dtype == np.dtype(kind)


def test_the_name_of_an_imported_camera_is_proposed() -> None:
    """Where a source has the array under the name that imports give their camera, the error says how to name it."""
    sim, real = _source(**{"sensor/head/rgb": ("|u1", (4, 5, 3))}), _source(**{"sensor/camera/rgb": ("|u1", (4, 5, 3))})
    with pytest.raises(
        UsageError, match=r"'real' lacks sensor/head/rgb: .*has sensor/camera/rgb instead.*--camera head"
    ):
        choose_arrays({"sim": sim, "real": real}, ["sensor/head/rgb"])
    with pytest.raises(UsageError, match="'real' lacks sensor/head/rgb: ") as caught:
        choose_arrays({"sim": sim, "real": _source()}, ["sensor/head/rgb"])
    assert "--camera" not in str(caught.value)


def test_arrays_that_are_made_elsewhere_are_not_read() -> None:
    """A source that an array is not read from neither lacks it nor decides its type."""
    one, other = _source(**{"label/x": ("<f4", (2,))}), _source(**{"label/x": ("<u2", (3,))})
    sources = {"one": one, "other": other}
    with pytest.raises(UsageError, match=r"float32 of shape \(2,\) in 'one' and uint16 of shape \(3,\) in 'other'"):
        choose_arrays(sources, ["label/x"])
    assert choose_arrays(sources, ["label/x"], unread={"label/x": {"other"}})["label/x"] == (np.dtype("<f4"), (2,))
    with pytest.raises(UsageError, match="missing must be 'error' or 'mask'"):
        choose_arrays(sources, None, missing="zero")  # type: ignore[arg-type]
