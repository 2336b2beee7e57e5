"""Convert HDR video (ITU-R BT.2100) to what an SDR display shows: the light of its codes, and the levels of that.

Levels of SDR clips are meant for a BT.709 display of gamma 2.4 (BT.1886), and are not changed. So are these:
light is brought to BT.709 and goes into levels by that gamma, and a grey of HLG stays the grey that it is.
"""

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

TRANSFERS = {16: "PQ", 18: "HLG"}
"""By code points of ITU-T H.273."""

WHITE = 203.0
"""cd/m² of PQ that become white: BT.2408's reference white, at which it also puts the white of SDR."""

NOMINAL_PEAK, HIGHEST_PEAK = 1000.0, 10_000.0
"""cd/m² of the display that PQ was made on where the file does not say, and of PQ's highest code."""

GAMMA = 2.4
"""Of an SDR display (BT.1886, its black being none)."""

BITS = 12
"""Of a channel on the way from the file: its codes stay distinct."""

STEPS = 1 << 14
"""Places of the table of levels, by the square root of light."""

_BT709, _BT2020, _P3 = 1, 9, 12
_GAMUTS = {  # red, green, blue (x, y) of H.273's code points; white is D65 in all of them
    _BT709: ("BT.709", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))),
    _BT2020: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
    _P3: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
}
_D65 = (0.3127, 0.3290)
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


class Hdr(NamedTuple):
    """How the colours of an HDR clip are coded.

    transfer: "PQ" or "HLG". primaries: code point of H.273; any but BT.709 and Display P3 stand for BT.2020, which
    BT.2100 prescribes. peak: cd/m² of the display that PQ was made on. white: the code of a signal of 1.
    """

    transfer: str
    primaries: int
    peak: float = NOMINAL_PEAK
    white: int = 255 << BITS - 8

    @property
    def description(self) -> str:
        """How it is read, for a person."""
        gamut, _ = _GAMUTS.get(self.primaries, _GAMUTS[_BT2020])
        brought = "" if gamut == "BT.709" else f", {gamut} to BT.709"
        if self.transfer == "HLG":
            return f"HLG as an SDR display of gamma {GAMMA:g} shows it{brought}"
        return f"PQ by the BT.2390 curve from {self.peak:g} to {WHITE:g} cd/m²{brought}"

    def light(self) -> F32:
        """Return the light (65536,) of an SDR display, 1 being its white, for each code, clipped at white."""
        signal = np.minimum(np.arange(1 << 16) / self.white, 1)  # 16 bits: whatever a damaged file has there
        if self.transfer == "HLG":
            return (signal**GAMMA).astype(np.float32)
        return (pq_light(eetf(signal, self.peak, WHITE)) / WHITE).astype(np.float32)

    def to_bt709(self) -> F32:
        """Return the matrix (3, 3) from light in its own primaries to light in those of BT.709."""
        _, corners = _GAMUTS.get(self.primaries, _GAMUTS[_BT2020])
        return (np.linalg.inv(_to_xyz(_GAMUTS[_BT709][1])) @ _to_xyz(corners)).astype(np.float32)


def white_code(pixel_format: str, *, full_range: bool) -> int:
    """Return the code of BITS bits that swscale makes of a signal of 1: it does not stretch codes, it shifts them.

    YCbCr of limited range becomes RGB of 8 bits with further bits below.
    """
    from av import VideoFormat

    bits = 8 if is_yuv(pixel_format) and not full_range else min(BITS, VideoFormat(pixel_format).components[0].bits)
    return (1 << bits) - 1 << BITS - bits


def is_yuv(pixel_format: str) -> bool:
    """Return whether a format of FFmpeg holds YCbCr, which needs a matrix to become RGB."""
    return pixel_format.startswith(("yuv", "nv", "p0", "p2", "p4", "y2", "uyvy", "yvyu", "xv", "vuy"))


def levels() -> NDArray[np.uint8]:
    """Return the levels (STEPS,) of an SDR display, for light of (i / (STEPS − 1))²."""
    return np.rint(255 * np.linspace(0, 1, STEPS) ** (2 / GAMMA)).astype(np.uint8)


def pq_light(signal: F64) -> F64:
    """Convert PQ signals, 0 to 1, to cd/m² (BT.2100, table 4)."""
    power = signal ** (1 / _M2)
    return HIGHEST_PEAK * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def pq_signal(light: float) -> float:
    """Convert cd/m² to a PQ signal."""
    power = (light / HIGHEST_PEAK) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def eetf(signal: F64, peak: float, target: float) -> F64:
    """Map PQ signals to a display of less light: BT.2390's EETF, both displays' black being none.

    What is darker than its knee stays; between that and ``peak`` cd/m² a Hermite spline leads to ``target`` cd/m².
    """
    whole = pq_signal(peak)
    most = min(pq_signal(target) / whole, 1.0)
    knee = 1.5 * most - 0.5
    e = np.minimum(signal / whole, 1)
    if knee >= 1:
        return np.asarray(e * whole)
    t = np.maximum(e - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return np.where(e < knee, e, spline) * whole


def mastering_peak(metadata: bytes | None) -> float:
    """Read the peak in cd/m² from FFmpeg's metadata on the mastering display: 20 numbers, then a flag for each kind.

    NOMINAL_PEAK where it is not stated or impossible; at least WHITE, below which nothing has to be mapped.
    """
    if metadata is None or len(metadata) < 88:
        return NOMINAL_PEAK
    *_, over, under, _, is_stated = struct.unpack("=22i", metadata[:88])
    peak = over / under if is_stated and under > 0 else 0.0
    return max(peak, WHITE) if 0 < peak <= HIGHEST_PEAK else NOMINAL_PEAK


def _to_xyz(corners: tuple[tuple[float, float], ...]) -> F64:
    """Return the matrix (3, 3) from light in primaries (x, y) to CIE XYZ; equal parts make D65."""
    unscaled = np.array([(x / y, 1, (1 - x - y) / y) for x, y in corners]).T
    x, y = _D65
    return np.asarray(unscaled * np.linalg.solve(unscaled, [x / y, 1, (1 - x - y) / y]))
