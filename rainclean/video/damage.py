"""Refuse files that are cut off or damaged, and say what to do about it."""

from pathlib import Path

from rainclean.errors import InputError


class DamagedInput(InputError):
    """A clip of which only a part can be decoded; ``open_source(path, salvage=True)`` reads that part.

    Attributes:
        decodable: frames that are known to be whole, None where that was not counted.
        announced: frames that the file says it has, None where it does not say.
    """

    def __init__(
        self, path: Path, reason: str, advice: str, *, decodable: int | None = None, announced: int | None = None
    ) -> None:
        self.decodable = decodable
        self.announced = announced
        super().__init__(path, reason, advice)


def truncated(path: Path, decodable: int, announced: int | None) -> DamagedInput:
    """Return the error for a file that ends too early."""
    of = f" of {announced}" if announced else ""
    frames = "frame" if decodable == 1 and not announced else "frames"
    reason = f"truncated: {decodable}{of} {frames} can be decoded"
    return DamagedInput(path, reason, "--salvage uses those", decodable=decodable, announced=announced)


def damaged_at(path: Path, index: int, count: int) -> DamagedInput:
    """Return the error for a frame in the middle that does not decode."""
    reason = f"damaged: frame {index} of {count} cannot be decoded"
    return DamagedInput(path, reason, "--salvage leaves out what is damaged", announced=count)
