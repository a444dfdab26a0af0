"""What a world can do with bodies that hold each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any


class HoldOperations(ABC):
    """The part of `World` that ties bodies; PyBullet itself is imported by `World` alone."""

    _bullet: Any
    _client: int

    @abstractmethod
    def _guard(self, what: str) -> AbstractContextManager[None]:
        """Turn PyBullet's errors into ours, which say what could not be done."""

    def hold_body(self, body: int, point: Sequence[float], holder: int, holder_point: Sequence[float]) -> None:
        """Hold a point of a body at a point of another, about which it may turn.

        Args:
            body: A body of one shape.
            point: Where it is held, in its frame [m], shape (3,).
            holder: Another, which may stand fast.
            holder_point: Where, in the frame of that [m], shape (3,).

        Raises:
            WorldError: If it cannot be.
        """
        bullet, client = self._bullet, self._client
        with self._guard(f"body {body} cannot be held"):
            bullet.createConstraint(
                parentBodyUniqueId=holder,
                parentLinkIndex=-1,
                childBodyUniqueId=body,
                childLinkIndex=-1,
                jointType=bullet.JOINT_POINT2POINT,
                jointAxis=[0.0, 0.0, 0.0],
                parentFramePosition=list(holder_point),
                childFramePosition=list(point),
                physicsClientId=client,
            )
