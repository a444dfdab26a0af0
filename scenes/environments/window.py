"""The window of render mode `human`."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Window:
    """A window that shows pictures at the pace of simulated time; Tk, which comes with Python.

    Args:
        title: Its title.
        frames_per_second: Pictures per second at most.

    Raises:
        RuntimeError: If no window can be opened.
    """

    def __init__(self, title: str, frames_per_second: float) -> None:
        try:
            import tkinter

            self._root = tkinter.Tk()
        except Exception as error:  # ImportError, or TclError, which cannot be named without Tk
            raise RuntimeError(f"no window can be opened ({error}); use render_mode='rgb_array'") from error
        self._root.title(title)
        self._label: Any = tkinter.Label(self._root)
        self._label.pack()
        self._make: Any = tkinter.PhotoImage
        self._picture: Any = None
        self._pause, self._next = 1.0 / frames_per_second, 0.0

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show sRGB bytes of shape (height, width, 3)."""
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self._pause
        height, width = picture.shape[:2]
        data = f"P6 {width} {height} 255 ".encode() + np.ascontiguousarray(picture).tobytes()
        self._picture = self._make(data=data, format="PPM", master=self._root)  # Tk keeps no reference of its own
        self._label.configure(image=self._picture)
        self._root.update()

    def close(self) -> None:
        """Close it."""
        self._root.destroy()
