"""Choices of an export in plain words, and back: the command's own codes are accepted as well.

``differ:10`` is “10 frames that differ most in rain”, ``grid:512:256`` is “Squares of 512 px, every 256 px”,
``train=0.8,test=0.2`` is “80 % train, 20 % test”.
"""

import re

_SIZE = r"(?P<size>[0-9]+([x×][0-9]+)?)"

_DIFFER = re.compile(r"(?P<number>[0-9]+) frames? that differs? most in rain")
_EVERY = re.compile(r"every (?P<number>[0-9]+)(st|nd|rd|th) frame")
_GRID = re.compile(rf"(squares|rectangles) of {_SIZE} px(, every (?P<stride>[0-9]+([x×][0-9]+)?) px)?")
_RANDOM = re.compile(rf"(?P<count>[0-9]+) random (squares?|rectangles?) of {_SIZE} px")

_SHARE = re.compile(r"(?P<split>[^=]*[^=\s])\s*=\s*(?P<share>[0-9]*\.?[0-9]+)")
_PERCENT = re.compile(r"(?P<share>[0-9]*\.?[0-9]+)\s*%\s*(?P<split>[^=%]*[^=%\s])")


def frames_text(code: str) -> str:
    """Return a choice of frames in words; a code that is none is returned unchanged."""
    kind, _, number = code.partition(":")
    if code == "all":
        return "All frames"
    if kind == "differ" and number.isdecimal():
        return "1 frame that differs most in rain" if number == "1" else f"{number} frames that differ most in rain"
    if kind == "every" and number.isdecimal():
        return f"Every {_ordinal(int(number))} frame"
    return code


def frames_code(text: str) -> str:
    """Return the command's code of a choice of frames in words; anything else is returned unchanged."""
    line = _plain(text)
    if line == "all frames":
        return "all"
    if found := _DIFFER.fullmatch(line):
        return f"differ:{found['number']}"
    if found := _EVERY.fullmatch(line):
        return f"every:{found['number']}"
    return text.strip()


def crops_text(code: str) -> str:
    """Return a choice of crops in words; a code that is none is returned unchanged."""
    kind, *parts = code.split(":")
    if code == "whole":
        return "Whole image"
    if not parts or not all(re.fullmatch(r"[0-9]+(x[0-9]+)?", part) for part in parts):
        return code
    shape, size = ("rectangle" if "x" in parts[0] else "square"), parts[0].replace("x", "×")
    if kind == "grid" and len(parts) <= 2:
        stride = f", every {parts[1].replace('x', '×')} px" if len(parts) == 2 else ""
        return f"{shape.capitalize()}s of {size} px{stride}"
    if kind == "random" and len(parts) == 2:
        return f"{parts[1]} random {shape}{'' if parts[1] == '1' else 's'} of {size} px"
    return code


def crops_code(text: str) -> str:
    """Return the command's code of a choice of crops in words; anything else is returned unchanged."""
    line = _plain(text)
    if line == "whole image":
        return "whole"
    if found := _GRID.fullmatch(line):
        stride = f":{_size(found['stride'])}" if found["stride"] else ""
        return f"grid:{_size(found['size'])}{stride}"
    if found := _RANDOM.fullmatch(line):
        return f"random:{_size(found['size'])}:{found['count']}"
    return text.strip()


def split_text(code: str) -> str:
    """Return shares of splits in words: ``80 % train, 20 % test``; a code that is none is returned unchanged."""
    parts = _shares(code, _SHARE)
    total = sum(float(part["share"]) for part in parts)
    if not total:
        return code
    return ", ".join(f"{100 * float(part['share']) / total:g} % {part['split']}" for part in parts)


def split_code(text: str) -> str:
    """Return the command's code of shares in words; anything else is returned unchanged."""
    if not (parts := _shares(text, _PERCENT)):
        return text.strip()
    return ",".join(f"{part['split']}={float(part['share']) / 100:g}" for part in parts)


def _shares(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """Return a match for each part between commas; none if a part has another form."""
    parts = [pattern.fullmatch(part.strip()) for part in text.split(",")]
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) else []


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _size(text: str) -> str:
    return text.replace("×", "x")


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
