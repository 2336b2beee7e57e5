"""Recipe words, as they are given to ``clean --recipe``."""

from collections.abc import Mapping
from pathlib import Path

from rainclean.candidates.recipe import Recipe
from tests.fuzz.engine import Reader

WORDS = (
    "released", "median", "n100-vote", "n100-vote+2", "n250-p62.5", "n100-local", "n100-local-vote", "n100-rainfree",
    "n12-first-vote", "n100-s3-p5", "n60-first-s2-vote-3.5",
)  # fmt: skip
TOKENS = tuple(b"- + n s p . 0 9 99999999999999999999999 vote first local rainfree released \xd9\xa3 \xc2\xb2".split())


def samples(_: Path) -> Mapping[str, bytes]:
    return {f"{i}.txt": text.encode() for i, text in enumerate(WORDS)}


def read(path: Path) -> None:
    """What a shell hands over: bytes as text, without NUL."""
    Recipe.parse(path.read_bytes().replace(b"\0", b"").decode("utf-8", "surrogateescape"))


READERS = [Reader("recipe words", samples, read, TOKENS, short=1000)]
