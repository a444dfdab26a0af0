"""Materials of mesh files: MTL, and what glTF 2.0 calls physically based materials."""

from __future__ import annotations

import base64
import json
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .textures import decode_image, load_image, srgb_to_linear

NORMAL_BLUE = 160
"""Mean blue that an image must exceed to count as a normal map."""
NORMAL_SPREAD = 40
"""How far the mean red and green of a normal map may lie from 128."""
_LIBRARY = re.compile(rb"(?:^|[\r\n])mtllib[ \t]+([^\r\n]+)")


@dataclass(kw_only=True, eq=False)
class MeshMaterial:
    """What a file says of one material; None = nothing."""

    color: NDArray[np.float64] | None = None
    """Linear albedo [1], shape (3,)."""
    texture: NDArray[np.uint8] | None = None
    """sRGB bytes, shape (height, width, 3), which multiply the colour."""
    roughness: float | None = None
    """Perceptual roughness [1]."""
    metallic: float | None = None
    """Metalness [1]."""
    emission: NDArray[np.float64] | None = None
    """Linear emission [1], shape (3,); files state no unit."""
    metallic_roughness_texture: NDArray[np.uint8] | None = None
    """Data: green multiplies roughness, blue metalness; shape (height, width, 3)."""
    normal_texture: NDArray[np.uint8] | None = None
    """Data: tangent-space normals, green upwards; shape (height, width, 3)."""


def parse_color(words: list[str]) -> NDArray[np.float64] | None:
    """Parse one or three display-referred numbers as linear light; None where they are no numbers."""
    try:
        values = [float(word) for word in words[:3]]
    except ValueError:
        return None
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not np.isfinite(values).all():
        return None
    return srgb_to_linear(np.clip(np.array(values), 0.0, 1.0))


def _parse_share(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return min(max(value, 0.0), 1.0) if np.isfinite(value) else None


def is_normal_map(image: NDArray[np.uint8]) -> bool:
    """Tell a tangent-space normal map from a height map: it is blue, not grey."""
    red, green, blue = image.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    return bool(blue > NORMAL_BLUE and abs(red - 128) < NORMAL_SPREAD and abs(green - 128) < NORMAL_SPREAD)


def find_library_names(data: bytes) -> list[str]:
    """List the material files that an OBJ names, wherever in it."""
    return [name.decode("utf-8", errors="replace").strip() for name in _LIBRARY.findall(data)]


def find_image_names(text: str) -> list[str]:
    """List the images that an MTL file names, those of statements that nothing reads too."""
    lines = [(line, line.split()) for line in text.splitlines()]
    return [_image_name(line, words) for line, words in lines if len(words) > 1 and _names_image(words[0].lower())]


def _names_image(key: str) -> bool:
    return key.startswith("map_") or key in ("norm", "bump")


def _image_name(line: str, words: list[str]) -> str:
    """Return the name in a statement; options such as -s 1 1 1 come before it, and it may hold spaces."""
    return line.split(None, 1)[1].strip() if not words[1].startswith("-") else words[-1]


def parse_mtl(text: str, source: Path, resolve: Callable[[str], Path]) -> dict[str, MeshMaterial]:
    """Parse an MTL file: Kd and Ke, which are display-referred, map_Kd, Pr, Pm, map_Pr, map_Pm, norm and map_Bump.

    Args:
        text: The file's text.
        source: The file, for warnings.
        resolve: Finds a file that it names, or refuses.

    Returns:
        Materials by name.
    """
    materials: dict[str, MeshMaterial] = {}
    images: dict[Path, NDArray[np.uint8] | None] = {}
    current = MeshMaterial()

    def open_image(line: str, words: list[str]) -> NDArray[np.uint8] | None:
        name = _image_name(line, words)
        image = resolve(name)
        if image not in images:
            if image.is_file():
                images[image] = load_image(image)
            else:
                warnings.warn(f"{source} names the texture {name}, which does not exist", stacklevel=5)
                images[image] = None
        return images[image]

    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        key = words[0].lower()
        if key == "newmtl":
            current = materials.setdefault(" ".join(words[1:]), MeshMaterial())
        elif key == "kd":
            current.color = parse_color(words[1:])
        elif key == "ke":
            current.emission = parse_color(words[1:])
        elif key == "pr":
            current.roughness = _parse_share(words[1])
        elif key == "pm":
            current.metallic = _parse_share(words[1])
        elif key == "map_kd":
            current.texture = open_image(line, words)
        elif key in ("map_pr", "map_pm"):
            _set_channel(current, 1 if key == "map_pr" else 2, open_image(line, words))
        elif key in ("norm", "map_bump", "bump"):
            image = open_image(line, words)
            if image is not None and (key == "norm" or is_normal_map(image)):
                current.normal_texture = image
    return materials


def _set_channel(material: MeshMaterial, channel: int, image: NDArray[np.uint8] | None) -> None:
    """Put a grey image into one channel of the texture of roughness and metalness; both must have one size."""
    if image is None:
        return
    there = material.metallic_roughness_texture
    if there is None:
        there = np.full_like(image, 255)
    if there.shape == image.shape:
        material.metallic_roughness_texture = there = there.copy()
        there[..., channel] = image[..., 0]


def split_gltf(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a GLB or glTF file.

    Args:
        data: The file.

    Returns:
        Its JSON, and the binary chunk of a GLB.

    Raises:
        ValueError: If it is neither.
    """
    if data[:4] != b"glTF":
        return dict(json.loads(data)), b""
    length = struct.unpack_from("<I", data, 12)[0]
    header = dict(json.loads(data[20 : 20 + length]))
    start = 20 + length
    if len(data) < start + 8:
        return header, b""
    size = struct.unpack_from("<I", data, start)[0]
    return header, data[start + 8 : start + 8 + size]


def join_gltf(header: Mapping[str, Any], data: bytes) -> bytes:
    """Put a file of the kind that `data` is together again with another JSON."""
    text = json.dumps(header).encode()
    if data[:4] != b"glTF":
        return text
    text += b" " * (-len(text) % 4)
    length = struct.unpack_from("<I", data, 12)[0]
    rest = data[20 + length :]
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest


def parse_gltf(header: Mapping[str, Any], binary: bytes, read: Callable[[str], bytes]) -> list[MeshMaterial]:
    """Read the materials of a glTF 2.0 file.

    Args:
        header: Its JSON.
        binary: The binary chunk of a GLB.
        read: Reads a file that it names, or refuses.

    Returns:
        Materials in the file's order. Factors that it leaves out have the standard's values; textures with other
        coordinates than the first set are left out.

    Raises:
        LookupError: If an index points nowhere.
        ValueError: If an image cannot be read.
    """
    images: dict[int, NDArray[np.uint8]] = {}

    def load(uri: str) -> bytes:
        return base64.b64decode(uri.partition(",")[2]) if uri.startswith("data:") else read(uri)

    def open_texture(described: Any) -> NDArray[np.uint8] | None:
        if not isinstance(described, dict) or int(described.get("texCoord", 0)) != 0:
            return None
        row = header["textures"][int(described["index"])].get("source")
        if row is None:
            return None
        if row not in images:
            image = header["images"][row]
            if "uri" in image:
                content = load(image["uri"])
            else:
                view = header["bufferViews"][int(image["bufferView"])]
                uri = header["buffers"][int(view.get("buffer", 0))].get("uri")
                first = int(view.get("byteOffset", 0))
                content = (binary if uri is None else load(uri))[first : first + int(view["byteLength"])]
            images[row] = decode_image(str(image.get("name", f"image {row}")), content)
        return images[row]

    def factor(value: Any) -> NDArray[np.float64]:
        return np.clip(np.asarray(value, np.float64)[:3], 0.0, 1.0)

    materials = []
    for material in header.get("materials", ()):
        plain = material.get("pbrMetallicRoughness", {})
        color = plain.get("baseColorFactor")
        materials.append(
            MeshMaterial(
                color=None if color is None else factor(color),
                texture=open_texture(plain.get("baseColorTexture")),
                roughness=min(max(float(plain.get("roughnessFactor", 1.0)), 0.0), 1.0),
                metallic=min(max(float(plain.get("metallicFactor", 1.0)), 0.0), 1.0),
                emission=factor(material.get("emissiveFactor", (0.0, 0.0, 0.0))),
                metallic_roughness_texture=open_texture(plain.get("metallicRoughnessTexture")),
                normal_texture=open_texture(material.get("normalTexture")),
            )
        )
    return materials
