"""Rows of a store's file, read page by page without SQLite: also those that a damaged page keeps it from reaching.

Only leaf pages of tables are looked at (https://sqlite.org/fileformat2.html): they hold all rows, whichever pages lead
to them.
"""

import struct
from collections.abc import Iterator
from typing import Any

MAGIC = b"SQLite format 3\0"

_LEAF = 0x0D
_USUAL = 4096
"""Bytes of a page where the header that says so is damaged."""

Cell = tuple[int, tuple[Any, ...]]
"""Row id, and columns as they are stored: None, int, float, str or bytes; None for the id itself."""


class Pages:
    """The pages of a store. data: the whole file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        size, reserved = _USUAL, 0
        if data[:16] == MAGIC:
            stated = int.from_bytes(data[16:18], "big")
            size, reserved = 65536 if stated == 1 else stated, data[20]
        if size < 512 or size & (size - 1) or reserved > 64:
            size, reserved = _USUAL, 0
        self._size, self._usable = size, size - reserved

    def __len__(self) -> int:
        return len(self._data) // self._size

    def cells(self) -> Iterator[list[Cell | None]]:
        """The rows of each page, in the order of the file; None for one that cannot be read."""
        free = self._free()
        for number in range(1, len(self) + 1):
            page = self._page(number)
            at = 100 if number == 1 else 0
            if page[at] != _LEAF or number in free:
                yield []
                continue
            (count,) = struct.unpack_from(">H", page, at + 3)
            # More do not fit, and a page of which that is wrong is none.
            places = struct.unpack_from(f">{count}H", page, at + 8) if at + 8 + 2 * count <= self._size else ()
            yield [self._cell(page, place) for place in places]

    def _page(self, number: int) -> bytes:
        return self._data[(number - 1) * self._size : number * self._size]

    def _free(self) -> set[int]:
        """Numbers of pages that are in no use; what is in them was removed."""
        numbers: set[int] = set()
        trunk = int.from_bytes(self._data[32:36], "big") if self._data[:16] == MAGIC else 0
        while 1 < trunk <= len(self) and trunk not in numbers:
            numbers.add(trunk)
            page = self._page(trunk)
            following, count = struct.unpack_from(">II", page)
            if count <= self._size // 4 - 2:
                numbers.update(struct.unpack_from(f">{count}I", page, 8))
            trunk = following
        return numbers

    def _cell(self, page: bytes, place: int) -> Cell | None:
        try:
            length, place = _varint(page, place)
            row, place = _varint(page, place)
            return _signed(row), _record(self._payload(page, place, length))
        except (IndexError, ValueError, struct.error):
            return None

    def _payload(self, page: bytes, place: int, length: int) -> bytes:
        """The bytes of a row: at its place, and what does not fit there on a chain of pages."""
        usable = self._usable
        local = length
        if length > usable - 35:
            least = (usable - 12) * 32 // 255 - 23
            local = least + (length - least) % (usable - 4)
            local = local if local <= usable - 35 else least
        if length > len(self._data) or place + local > len(page):
            raise ValueError
        start = page[place : place + local]
        if local == length:
            return start
        parts, remaining = [start], length - local
        following = int.from_bytes(page[place + local : place + local + 4], "big")
        while remaining > 0:
            if not 1 < following <= len(self):
                raise ValueError
            onward = self._page(following)
            parts.append(onward[4 : min(usable, 4 + remaining)])
            remaining -= usable - 4
            following = int.from_bytes(onward[:4], "big")
        return b"".join(parts)


def _record(payload: bytes) -> tuple[Any, ...]:
    head, at = _varint(payload, 0)
    kinds = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload) or head > len(payload):
        raise ValueError
    return tuple(values)


_WHOLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Kind of a column → bytes of its whole number."""


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    length = _WHOLE[kind] if kind in _WHOLE else (kind - 12) // 2
    raw = payload[at : at + length]
    if kind in (10, 11) or len(raw) < length:
        raise ValueError
    if kind in _WHOLE:
        return int.from_bytes(raw, "big", signed=True), at + length
    # UnicodeDecodeError is a ValueError.
    return (raw.decode() if kind % 2 else raw), at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and the place after it."""
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
