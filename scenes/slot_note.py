"""The slot note: what a scene says where slots leave less room than its number of objects would take."""

from __future__ import annotations


def note_narrowed_count(declared: tuple[int, int], slots: int) -> tuple[str, ...]:
    """Say how `object_count` is drawn where slots cut its range.

    Args:
        declared: Least and most objects that the scene draws where there is room.
        slots: Object slots, the robot's included.

    Returns:
        One sentence, or none where there is room.

    Example:
        >>> note_narrowed_count((3, 15), 9)
        ('slots: 9 leaves room for 8 objects beside the robot: object_count is drawn from [3, 8] instead of [3, 15]; ...
    """
    low, high = declared
    room = slots - 1
    if room >= high:
        return ()
    return (
        f"slots: {slots} leaves room for {room} object{'' if room == 1 else 's'} beside the robot: object_count is "
        f"drawn from [{min(low, room)}, {room}] instead of [{low}, {high}]; slots: {high + 1} has it whole, and an "
        "object_count of the recipe's own is taken as it is",
    )
