"""Rangers of every kind: dispatch, addresses, tensors, errors, the simulated device."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from naive.twin import run_simulated
from simloom.kernels.profiles import list_profiles, load_sensor_profile
from simloom.kernels.ranger import apply_ranger
from simloom.kernels.ranger_beam import ranger_directions

PARTS = ("range", "status", "strength", "sigma", "truth", "outlier")
BOTH = pytest.mark.parametrize("name", ["hc_sr04", "vl53l0x"])


def _bundles(rows: int, rays: int) -> dict[str, Any]:
    rng = np.random.default_rng(4)
    return {
        "range": (rng.uniform(0.3, 1.5, (rows, 1)) * rng.uniform(1.0, 1.05, (rows, rays))).astype(np.float32),
        "cosine": rng.uniform(0.6, 1.0, (rows, rays)).astype(np.float32),
        "reflectance": rng.uniform(0.3, 1.0, (rows, rays)).astype(np.float32),
    }


def _noisy(name: str) -> Any:
    return dataclasses.replace(load_sensor_profile("ranger", name), crosstalk_rate=0.2)


def test_rangers_are_listed() -> None:
    """Both kinds of profile describe a ranger."""
    assert set(list_profiles("ranger")) >= {"hc_sr04", "vl53l0x"}


@BOTH
def test_addresses_alone_decide(name: str) -> None:
    """Shuffled, one by one, on two threads and with a profile for each: the same bytes."""
    profile = _noisy(name)
    given = _bundles(12, profile.ray_count)
    index, number, unit = np.arange(12) // 4 + 2**33, np.arange(12) % 4, np.arange(12) % 3
    keys = {"seed": 9, "sensor": 3}
    whole = apply_ranger(**given, profile=profile, index=index, number=number, unit=unit, threads=1, **keys)
    order = np.random.default_rng(0).permutation(12)
    mixed = apply_ranger(
        **{key: value[order] for key, value in given.items()}, profile=[profile] * 12, index=index[order],
        number=number[order], unit=unit[order], threads=2, **keys,
    )  # fmt: skip
    alone = apply_ranger(
        **{key: value[7:8] for key, value in given.items()}, profile=profile, index=index[7:8], number=3, unit=1,
        threads=1, **keys,
    )  # fmt: skip

    for part in PARTS:
        assert getattr(mixed, part)[np.argsort(order)].tobytes() == getattr(whole, part).tobytes()
        assert getattr(alone, part).tobytes() == getattr(whole, part)[7:8].tobytes()
    assert len(np.unique(whole.range)) > 6


@BOTH
def test_tensors_stay_tensors(name: str) -> None:
    """Torch gives the bytes that NumPy gives."""
    profile = _noisy(name)
    given = _bundles(3, profile.ray_count)
    ours = apply_ranger(**given, profile=profile, seed=1, index=[0, 1, 2], threads=1)
    tensors = {key: torch.from_numpy(value) for key, value in given.items()}
    theirs = apply_ranger(**tensors, profile=profile, seed=1, index=[0, 1, 2], threads=1)

    assert all(getattr(theirs, part).numpy().tobytes() == getattr(ours, part).tobytes() for part in PARTS)


@BOTH
def test_the_simulated_device_measures_the_same(name: str, tmp_path: Path) -> None:
    """The element in plain Python, as CUDA's simulator runs it, gives the same readings."""
    profile = dataclasses.replace(_noisy(name), ray_count=12)
    given = _bundles(3, 12)
    ours = apply_ranger(**given, profile=profile, seed=1, index=[0, 1, 2], unit=4, threads=1)

    twin = run_simulated(
        """
import json
from simloom.kernels.profile_json import profile_from_json
from simloom.kernels.ranger import apply_ranger
profile = profile_from_json(json.loads(str(settings)))
reading = apply_ranger(range_in, profile, cosine=cosine, reflectance=reflectance, seed=1, index=[0, 1, 2], unit=4,
                       device="cuda")
out = {part: getattr(reading, part) for part in ("range", "status", "strength", "sigma", "truth", "outlier")}
""",
        tmp_path,
        range_in=given["range"],
        cosine=given["cosine"],
        reflectance=given["reflectance"],
        settings=json.dumps({"base": name, "values": {"crosstalk_rate": 0.2, "ray_count": 12}}),
    )

    for part in ("status", "outlier", "truth"):
        assert np.array_equal(twin[part], getattr(ours, part))
    for part in ("range", "strength", "sigma"):
        np.testing.assert_allclose(twin[part], getattr(ours, part), rtol=1e-5, atol=2e-3 if part == "range" else 0)


def test_wrong_calls_are_refused() -> None:
    """Each error names what was given."""
    there = np.ones((2, 64), np.float32)
    mixed = ["vl53l0x", dataclasses.replace(load_sensor_profile("ranger", "hc_sr04"), ray_count=64)]
    for keys, message in (
        ({"range": there[:, :5]}, r"with 64 sub-rays, got \(2, 5\)"),
        ({"cosine": there[:1]}, r"cosine must have shape \(2, 64\)"),
        ({"profile": "generic_rgb"}, "not of kind 'ranger'"),
        ({"profile": mixed}, "of one kind"),
        ({"ambient": -1.0}, "ambient must be a number in"),
        ({"profile": "hc_sr04", "range": np.ones((2, 128), np.float32), "temperature": 900.0}, "temperature must be"),
        ({"number": 1 << 32}, "number must be a whole number"),
        ({"unit": [0.5, 1.0]}, "unit must be a whole number"),
        ({"index": [0]}, "index must be 2 row numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            apply_ranger(**({"range": there, "profile": "vl53l0x", "seed": 0, "index": [0, 1]} | keys))


def test_ranges_come_late() -> None:
    """The profiles' timing has their rate, and the time that a measurement takes."""
    assert load_sensor_profile("ranger", "vl53l0x").timing.delay == 0.033
    assert load_sensor_profile("ranger", "hc_sr04").timing.delay == pytest.approx(8.0 / 340.0)
    with pytest.raises(ValueError, match="update_rate must be a number in"):
        dataclasses.replace(load_sensor_profile("ranger", "vl53l0x"), update_rate=50.0)


def test_beams_are_shared() -> None:
    """Asking for the same beam again gives the same arrays."""
    profile = load_sensor_profile("ranger", "vl53l0x")

    assert ranger_directions(profile) is ranger_directions(profile)
