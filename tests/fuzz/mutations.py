"""Damage to files, the same for the same number: what transfer, disks and ill will do to bytes."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

_BYTES = (0, 1, 2, 7, 0x10, 0x20, 0x40, 0x7F, 0x80, 0xFE, 0xFF)
_NUMBERS = (
    0,
    1,
    2,
    255,
    1 << 15,
    0xFFFF,
    1 << 16,
    1 << 20,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    (1 << 64) - 1,
)


def mutated(samples: Mapping[str, bytes], seed: str, number: int, tokens: Sequence[bytes] = ()) -> bytes:
    """Input ``number``: one of the samples with one to six damages, two of three with one or two.

    tokens: pieces of the format's own words, put in and in place of others.
    """
    random = Random(f"{seed} {number}")
    data = bytearray(samples[random.choice(sorted(samples))])
    kinds: list[Callable[[bytearray, Random], None]] = [*_KINDS]
    if tokens:
        kinds += [lambda data, random: _token(data, random, tokens)] * (len(_KINDS) // 2)
    for _ in range(random.choice((1, 1, 1, 2, 2, 2, 3, 4, 6))):
        random.choice(kinds)(data, random)
    return bytes(data)


def _place(data: bytearray, random: Random) -> int:
    """An offset: headers and tails more often than what lies between."""
    size = len(data)
    if size < 2:
        return 0
    reach = min(size, random.choice((64, 512, 4096, size, size)))
    at = random.randrange(reach)
    return size - 1 - at if random.random() < 0.3 else at


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _byte(data: bytearray, random: Random) -> None:
    if data:
        data[_place(data, random)] = random.choice((*_BYTES, random.randrange(256)))


def _number(data: bytearray, random: Random) -> None:
    """An integer where one may stand: often at a multiple of four, or behind four letters (a box, chunk or tag)."""
    width = random.choice((2, 4, 4, 4, 8))
    at = _place(data, random)
    letters = [i for i in range(at, min(at + 64, len(data) - 8)) if bytes(data[i : i + 4]).isalnum()]
    at = letters[0] + 4 * random.choice((-1, 1, 1, 2)) if letters and random.random() < 0.5 else at // 4 * 4
    value = random.choice((*_NUMBERS, len(data), random.getrandbits(8 * width))) % (1 << 8 * width)
    at = max(at, 0)
    data[at : at + width] = value.to_bytes(width, random.choice(("big", "big", "little")))


def _cut(data: bytearray, random: Random) -> None:
    del data[_place(data, random) :]


def _remove(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + _length(random)]


def _repeat(data: bytearray, random: Random) -> None:
    at, to = _place(data, random), _place(data, random)
    data[to:to] = data[at : at + _length(random)] * random.choice((1, 1, 2, 50))


def _move(data: bytearray, random: Random) -> None:
    at, to, length = _place(data, random), _place(data, random), _length(random)
    data[to : to + length] = data[at : at + length]


def _noise(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at : at + random.choice((0, 8))] = random.randbytes(random.choice((1, 4, 16, 64)))


def _fill(data: bytearray, random: Random) -> None:
    at, length = _place(data, random), _length(random)
    data[at : at + length] = bytes([random.choice((0, 0xFF))]) * len(data[at : at + length])


def _token(data: bytearray, random: Random, tokens: Sequence[bytes]) -> None:
    token = random.choice(tokens)
    found = data.find(random.choice(tokens), _place(data, random))
    at = found if found >= 0 and random.random() < 0.5 else _place(data, random)
    data[at : at + random.choice((0, 0, len(token)))] = token


def _length(random: Random) -> int:
    return random.choice((1, 2, 4, 8, 32, random.randrange(1, 512), random.randrange(1, 8192)))


_KINDS = (_flip, _flip, _byte, _byte, _number, _number, _cut, _remove, _repeat, _move, _noise, _fill)
