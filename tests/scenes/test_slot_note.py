"""What is said where slots leave less room than a scene's objects would take."""

from __future__ import annotations

import pytest

from simloom.scenes.driving_space import OBJECT_COUNT as YARD_COUNT
from simloom.scenes.scene import make_scene
from simloom.scenes.slot_note import note_narrowed_count
from simloom.scenes.tabletop_space import OBJECT_COUNT


@pytest.mark.parametrize("name, declared", [("tabletop", OBJECT_COUNT), ("driving", YARD_COUNT)])
@pytest.mark.parametrize("slots", [2, 9, 16])
def test_a_narrowed_count_is_told_as_it_is_drawn(name: str, declared: tuple[int, int], slots: int) -> None:
    """The note holds the range that the space has, and is absent where that is the declared one."""
    scene = make_scene(name, {"slots": slots})
    drawn = scene.space["object_count"].distribution.to_json()["integer"]
    scene.close()

    assert drawn == [min(declared[0], slots - 1), min(declared[1], slots - 1)]
    if slots == 16:
        assert scene.notes == ()
    else:
        (note,) = scene.notes
        assert f"drawn from {drawn} instead of {list(declared)}" in note


def test_a_count_of_the_users_own_needs_no_note() -> None:
    """Who says how many objects there are is taken at the word."""
    scene = make_scene("tabletop", {"slots": 2, "overrides": {"object_count": 1}})
    scene.close()

    assert scene.notes == ()


def test_one_object_is_no_plural() -> None:
    """The sentence names slots, room, both ranges and the way out."""
    (note,) = note_narrowed_count((3, 15), 2)

    assert note.startswith("slots: 2 leaves room for 1 object beside the robot: object_count is drawn from [1, 1]")
    assert "slots: 16 has it whole" in note
