"""ICC profiles, written out byte by byte."""

import struct

import numpy as np


def profile(matrix: tuple[tuple[float, float, float], ...], gamma: float, name: bytes) -> bytes:
    """An ICC profile of version 2: primaries (rows: XYZ of red, green, blue under D50) and one gamma."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(map(number, values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    text = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + b"\0" + bytes(79)
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": xyz(0.9642, 1, 0.8249)}
    tags |= {key: xyz(*row) for key, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for key, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += key + struct.pack(">II", at + len(body), len(value))
        body += padded
    head = bytearray(128)
    head[0:4], head[8:12] = struct.pack(">I", 128 + len(table) + len(body)), b"\2\x40\0\0"
    head[12:24], head[36:40], head[68:80] = b"mntrRGB XYZ ", b"acsp", number(0.9642) + number(1) + number(0.8249)
    return bytes(head) + table + body


P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
SRGB = np.array(((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)))
WIDE = profile(P3, 1.8, b"Wide P3")
