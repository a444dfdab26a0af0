"""Rangers in a scene: distances to the walls of a room, from a sensor that turns in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simloom.kernels.observation_timing import ObservationTiming
from simloom.scenes.instruments.mount import InstrumentMount
from simloom.scenes.instruments.ranger import RangerReader

from .conftest import HAND, BoxRoom
from .test_lidar import turning

Read = Callable[..., dict[str, np.ndarray]]


def test_a_ranger_measures_the_wall_before_it(read: Read, box_room: BoxRoom) -> None:
    """The truth is the nearest surface in the cone: the far wall ahead, nearer as the robot drives on."""
    mount = InstrumentMount(
        name="front", kind="ranger", given="hc_sr04", mount=HAND, position=(2.5, 0.0, 1.0),
        timing=ObservationTiming(sampling_rate=20.0),
    )  # fmt: skip
    rows = read(mount, RangerReader, motion=turning(0.0), room=box_room, index=(0, 1))
    seconds = 1e-9 * (rows["sensor/front/time"][0] - 1_000_000_000)

    np.testing.assert_allclose(rows["ideal/front/distance"][0], 6.0 - 2.5 - 0.5 * seconds, rtol=2e-3)
    seen = rows["sensor/front/distance_status"] == 0
    assert seen.mean() > 0.5
    error = rows["sensor/front/distance"] - rows["ideal/front/distance"]
    assert np.abs(error[seen]).max() < 0.05


def test_a_turning_ranger_sweeps_the_room(read: Read, box_room: BoxRoom) -> None:
    """As the sensor turns, the distance passes from the end wall to the side wall; its own rows agree in the truth."""
    mount = InstrumentMount(
        name="side", kind="ranger", given="vl53l0x", mount=HAND, position=(0.0, 0.0, 1.0),
        timing=ObservationTiming(sampling_rate=40.0),
    )  # fmt: skip
    rows = read(mount, RangerReader, motion=turning(1.0), room=box_room, index=(5, 6))
    truth = rows["ideal/side/distance"]

    np.testing.assert_array_equal(truth[0], truth[1])
    assert abs(truth[0, -1] - 4.5) < 0.25
    assert truth[0, 0] > 5.0
    assert np.isin(rows["sensor/side/distance_status"], range(6)).all()
