"""Camera info files: intrinsics and lens in the YAML that ROS's camera_calibration writes and OpenCV's tools read.

Source: ROS, sensor_msgs/CameraInfo and camera_calibration_parsers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...kernels.lens import Lens
from ..errors import RecipeError, UsageError, nearest_name
from ..yaml_text import MAX_BYTES, parse_yaml

_MODELS: Final = {"plumb_bob": "brown_conrady", "rational_polynomial": "brown_conrady", "equidistant": "kannala_brandt"}


@dataclass(frozen=True, kw_only=True)
class CameraInfo:
    """Intrinsics and lens of a camera; the centre of pixel (0, 0) is at (0, 0)."""

    name: str
    """Name of the camera."""
    width: int
    """Image width [px]."""
    height: int
    """Image height [px]."""
    fx: float
    """Focal length along x [px]."""
    fy: float
    """Focal length along y [px]."""
    cx: float
    """Principal point, x [px]."""
    cy: float
    """Principal point, y [px]."""
    lens: Lens
    """The lens."""


def write_camera_info(path: str | Path, info: CameraInfo, *, comment: str = "") -> None:
    """Write a camera info file.

    Args:
        path: Where; an existing file is replaced.
        info: What it says.
        comment: Lines for its head.

    Raises:
        OSError: If the file cannot be written.
    """
    import yaml

    coefficients = [*info.lens.coefficients]
    model = "equidistant" if info.lens.model == "kannala_brandt" else "plumb_bob"
    if model == "plumb_bob" and len(coefficients) > 5:
        model = "rational_polynomial"
    if model == "plumb_bob":
        coefficients += [0.0] * (5 - len(coefficients))  # the format has k3 always
    matrix = [info.fx, 0.0, info.cx, 0.0, info.fy, info.cy, 0.0, 0.0, 1.0]
    projection = [info.fx, 0.0, info.cx, 0.0, 0.0, info.fy, info.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    content = {
        "image_width": info.width,
        "image_height": info.height,
        "camera_name": info.name,
        "camera_matrix": _matrix(3, 3, matrix),
        "distortion_model": model,
        "distortion_coefficients": _matrix(1, len(coefficients), coefficients),
        "rectification_matrix": _matrix(3, 3, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        "projection_matrix": _matrix(3, 4, projection),
    }
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    body = yaml.safe_dump(content, sort_keys=False, width=1000, default_flow_style=None)
    Path(path).write_text(head + body, encoding="utf-8")


def load_camera_info(path: str | Path) -> CameraInfo:
    """Read a camera info file.

    Args:
        path: A YAML file.

    Raises:
        UsageError: If the file cannot be read or is not a camera info.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = parse_yaml(data.decode(), source=str(path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8") from None
    except RecipeError as error:
        raise UsageError(str(error)) from None
    content = text.value if isinstance(text.value, dict) else {}
    width, height = (_whole(content.get(key), key, str(path)) for key in ("image_width", "image_height"))
    matrix = _numbers(content.get("camera_matrix"), "camera_matrix", str(path))
    coefficients = _numbers(content.get("distortion_coefficients"), "distortion_coefficients", str(path))
    if len(matrix) != 9 or not (matrix[0] > 0.0 and matrix[4] > 0.0):
        raise UsageError(
            f"{text.where(('camera_matrix',))}: camera_matrix: data must be nine numbers, fx and fy above 0"
        )
    if any(abs(matrix[k]) > 1e-9 for k in (1, 3, 6, 7)) or abs(matrix[8] - 1.0) > 1e-9:
        raise UsageError(f"{text.where(('camera_matrix',))}: camera_matrix: a skewed or scaled matrix is not supported")
    model = str(content.get("distortion_model", "plumb_bob"))
    if model not in _MODELS:
        raise UsageError(
            f"{text.where(('distortion_model',))}: distortion_model: given {model!r}, allowed: {', '.join(_MODELS)}"
            f"{nearest_name(model, _MODELS)}"
        )
    try:
        lens = Lens(model=_MODELS[model], coefficients=coefficients)  # type: ignore[arg-type]
    except ValueError as error:
        raise UsageError(f"{text.where(('distortion_coefficients',))}: distortion_coefficients: {error}") from None
    return CameraInfo(
        name=str(content.get("camera_name", "camera")),
        width=width,
        height=height,
        fx=matrix[0],
        fy=matrix[4],
        cx=matrix[2],
        cy=matrix[5],
        lens=lens,
    )


def _matrix(rows: int, columns: int, data: list[float]) -> dict[str, Any]:
    return {"rows": rows, "cols": columns, "data": data}


def _whole(value: Any, key: str, source: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise UsageError(f"{source}: {key}: given {value!r}, allowed: a whole number of pixels")
    return value


def _numbers(value: Any, key: str, source: str) -> tuple[float, ...]:
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, list) or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300 for v in data
    ):
        raise UsageError(f"{source}: {key}: needs data: [numbers]")
    return tuple(float(v) for v in data)
