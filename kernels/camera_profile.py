"""The profile of an RGB camera: lens, sensor and image pipeline in physical units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from .profile_check import check_choice, check_flag, check_numbers, check_range, check_whole

Triple = tuple[float, float, float]
Mosaic = Literal["RGGB", "BGGR", "GRBG", "GBRG", "RCCB", "mono"]
Demosaic = Literal["bilinear", "malvar"]

MOSAICS: Final[tuple[str, ...]] = get_args(Mosaic)
DEMOSAICS: Final[tuple[str, ...]] = get_args(Demosaic)


@dataclass(frozen=True, kw_only=True)
class CameraProfile:
    """A camera: lens, EMVA 1288 linear sensor with a colour filter mosaic, and an image pipeline.

    Fields that have a default are off by default.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> import dataclasses
        >>> bright = dataclasses.replace(load_camera_profile("generic_rgb"), f_number=1.4)
    """

    name: str
    """Name of the profile."""

    # Lens
    f_number: float
    """Focal length over aperture, (0, 100]."""
    focal_length: float
    """Focal length [m], (0, 10]: with the f-number it sets the blur out of focus."""
    focus_distance: float = 0.0
    """Distance that is in focus [m]; 0: everything is."""
    diffraction: bool = False
    """Whether the aperture's diffraction blurs."""
    natural_vignetting: bool = False
    """Whether light falls off with the fourth power of the cosine to the axis."""
    vignetting: Triple = (0.0, 0.0, 0.0)
    """Further fall-off: factor 1 + a1 r^2 + a2 r^4 + a3 r^6, r the tangent of the angle to the axis; each [-10, 10]."""
    chromatic_aberration: tuple[float, float] = (0.0, 0.0)
    """Lateral: by how much red and blue are magnified against green, each [-0.05, 0.05]."""

    # Sensor
    pixel_pitch: float
    """Side of a square pixel [m], (0, 1e-3]."""
    mosaic: Mosaic = "RGGB"
    """Colour filters of the pixels (0, 0), (0, 1), (1, 0), (1, 1) as row, column; "mono": none."""
    quantum_efficiency: Triple
    """Electrons per photon for red, green and blue, each in (0, 1]; pixels without a filter see all three."""
    wavelength: Triple
    """Wavelength at which each channel's light is counted as photons [m], each in [1e-7, 1e-5]."""
    full_well: float
    """Largest charge [e-], [1, 1e7]; more is lost."""
    dark_current: float
    """Charge made without light at the reference temperature [e-/s], >= 0."""
    dark_reference_temperature: float = 30.0
    """Temperature for which dark current is given [deg C], [-100, 150]."""
    dark_doubling_temperature: float = 8.0
    """Rise of temperature that doubles dark current [K], [1, 100]."""
    temperature: float = 30.0
    """Temperature of the sensor [deg C], [-100, 150]."""
    photo_response_nonuniformity: float = 0.0
    """PRNU: relative standard deviation of the pixels' responses, [0, 0.5]."""
    dark_signal_nonuniformity: float = 0.0
    """DSNU: standard deviation of the pixels' dark offsets [e-], [0, 1e5]."""
    hot_pixel_fraction: float = 0.0
    """Share of hot pixels, [0, 0.1]."""
    hot_pixel_current: float = 0.0
    """Mean dark current of hot pixels, exponentially distributed, at the reference temperature [e-/s], [0, 1e8]."""
    row_pattern: float = 0.0
    """Standard deviation of each row's fixed offset [e-], [0, 1e5]."""
    column_pattern: float = 0.0
    """Standard deviation of each column's fixed offset [e-], [0, 1e5]."""
    row_noise: float = 0.0
    """Standard deviation of each row's offset that is new in every image [e-], [0, 1e5]."""
    column_noise: float = 0.0
    """Standard deviation of each column's offset that is new in every image [e-], [0, 1e5]."""
    read_noise: float
    """Standard deviation of a pixel's dark signal that is new in every image [e-], [0, 1e6]."""
    read_noise_shape: float = 0.0
    """0: normal; else the shape of a Tukey lambda distribution, [-0.45, 0.4] (0.14 is near normal, less has heavier
    tails), scaled to the standard deviation `read_noise`."""
    gain: float
    """System gain K [DN/e-], > 0."""
    black_level: float
    """Digital value of no charge [DN], within the converter's range."""
    bit_depth: int
    """Bits of the converter, 8 to 16."""
    line_time: float = 0.0
    """Time from one row's exposure to the next row's [s], [0, 1]; 0: a global shutter. `apply_camera` shears nothing:
    it is what a renderer's shutter wants to know where things move."""

    # Automatic exposure
    exposure_time_min: float
    """Shortest automatic exposure [s], > 0."""
    exposure_time_max: float
    """Longest automatic exposure [s], at least the shortest."""
    exposure_target: float
    """Mean luminance that automatic exposure aims at, as a fraction of saturation, (0, 1)."""
    exposure_highlight: float
    """Fraction of saturation that at most 2 % of the pixels may pass in automatic exposure, (0, 1]."""

    # Image pipeline
    white_balance: Triple | None = None
    """Gains of red, green and blue, each (0, 100], raised together until none is below 1; None: those that make equal
    radiance grey."""
    demosaic: Demosaic = "malvar"
    """How missing colours are interpolated."""
    color_matrix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    """Balanced camera colours to linear sRGB, nine numbers by rows, each [-20, 20]."""
    tone: float = 0.0
    """Strength of the tone curve 3 x^2 - 2 x^3 in the encoded image, [0, 1]."""
    sharpening: float = 0.0
    """Amount of a 3x3 unsharp mask in the encoded image, [0, 10]."""
    jpeg_quality: int = 0
    """Quality of the JPEG compression, 1 to 100; 0: none."""

    def __post_init__(self) -> None:
        check_range(self, "f_number", 1e-6, 100.0)
        check_range(self, "focal_length", 1e-6, 10.0)
        check_range(self, "focus_distance", 0.0, 1e9)
        if 0.0 < self.focus_distance <= self.focal_length:
            raise ValueError(
                f"focus_distance must be 0 or above the focal length {self.focal_length:g} m, got "
                f"{self.focus_distance:g}; set CameraProfile.focus_distance"
            )
        check_flag(self, "diffraction")
        check_flag(self, "natural_vignetting")
        check_numbers(self, "vignetting", 3, -10.0, 10.0)
        check_numbers(self, "chromatic_aberration", 2, -0.05, 0.05)
        check_range(self, "pixel_pitch", 1e-9, 1e-3)
        check_choice(self, "mosaic", MOSAICS)
        check_numbers(self, "quantum_efficiency", 3, 1e-9, 1.0)
        check_numbers(self, "wavelength", 3, 1e-7, 1e-5)
        check_range(self, "full_well", 1.0, 1e7)
        check_range(self, "dark_current", 0.0, 1e9)
        check_range(self, "dark_reference_temperature", -100.0, 150.0)
        check_range(self, "dark_doubling_temperature", 1.0, 100.0)
        check_range(self, "temperature", -100.0, 150.0)
        check_range(self, "photo_response_nonuniformity", 0.0, 0.5)
        check_range(self, "hot_pixel_fraction", 0.0, 0.1)
        check_range(self, "hot_pixel_current", 0.0, 1e8)
        for name in (
            "dark_signal_nonuniformity", "row_pattern", "column_pattern", "row_noise", "column_noise"
        ):  # fmt: skip
            check_range(self, name, 0.0, 1e5)
        check_range(self, "read_noise", 0.0, 1e6)
        check_range(self, "read_noise_shape", -0.45, 0.4)
        check_range(self, "gain", 1e-9, 1e6)
        check_whole(self, "bit_depth", 8, 16)
        check_range(self, "black_level", 0.0, 2.0**self.bit_depth - 2.0)
        check_range(self, "line_time", 0.0, 1.0)
        check_range(self, "exposure_time_min", 1e-9, 1e4)
        check_range(self, "exposure_time_max", self.exposure_time_min, 1e4)
        check_range(self, "exposure_target", 1e-6, 1.0)
        check_range(self, "exposure_highlight", 1e-6, 1.0)
        if self.white_balance is not None:
            check_numbers(self, "white_balance", 3, 1e-6, 100.0)
        check_choice(self, "demosaic", DEMOSAICS)
        check_numbers(self, "color_matrix", 9, -20.0, 20.0)
        check_range(self, "tone", 0.0, 1.0)
        check_range(self, "sharpening", 0.0, 10.0)
        check_whole(self, "jpeg_quality", 0, 100)
