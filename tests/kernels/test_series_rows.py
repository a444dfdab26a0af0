"""Rows of time series: specimens, numbers, rates, profiles."""

import numpy as np
import pytest

from simloom.kernels.profile_rows import find_profile_rows
from simloom.kernels.profiles import load_profile
from simloom.kernels.series_rows import find_rate, number_rows, profiles_of, spread_units


def test_rows_are_numbered_and_have_units() -> None:
    """Rows count from 0 unless told, and one unit serves all rows."""
    assert number_rows(None, 3).tolist() == [0, 1, 2]
    assert number_rows([7, 5], 2).tolist() == [7, 5]
    assert spread_units(4, 2).tolist() == [4, 4]
    assert spread_units(np.array([1, 0]), 2).tolist() == [1, 0]
    for unit in (-1, 1 << 32, 0.5, [1, 2, 3]):
        with pytest.raises(ValueError, match=r"unit must be a whole number in \[0, 2\^32\)"):
            spread_units(unit, 2)


def test_a_rate_is_the_profiles_unless_given() -> None:
    """Profiles of one rate give it; different ones ask for it."""
    slow, fast = load_profile("robotiq_ft300s"), load_profile("ams_as5048")

    assert find_rate(None, [slow, slow]) == 100.0
    assert find_rate(50, [slow, fast]) == 50.0
    with pytest.raises(ValueError, match="rate must be given"):
        find_rate(None, [slow, fast])
    with pytest.raises(ValueError, match="rate must be a positive number"):
        find_rate(0.0, [slow])


def test_profiles_are_given_back_as_they_came() -> None:
    """One profile for all comes back alone, several one for each row."""
    assert profiles_of(find_profile_rows("ams_as5048", 3, load_profile)) is load_profile("ams_as5048")
    names = ["ams_as5048", "incremental_encoder", "ams_as5048"]
    several = profiles_of(find_profile_rows(names, 3, load_profile))
    assert isinstance(several, tuple)
    assert [one.name for one in several] == names
