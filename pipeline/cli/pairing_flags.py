"""Flags that name the pairs of other people's data sets, the same for every command that reads one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

if TYPE_CHECKING:
    from rainclean.dataset import Pairing


@dataclass(frozen=True, kw_only=True)
class PairingFlags:
    """How rainy and clean images belong together, where names do not tell.

    Known by themselves: exports, SPA-Data, Rain100L, Rain100H, Rain13K and its test sets, DDN, GT-RAIN, LHP-Rain,
    RealRain-1k, NAME/input with NAME/target, and a file pairs.csv in the folder.
    """

    rainy: Annotated[str | None, arg(metavar="PATTERN")] = None
    """Rainy images below the data set, such as 'rain/*.png': * is any text in a name, ** any folders, .* any
    extension."""
    clean: Annotated[str | None, arg(metavar="RULE")] = None
    """Clean image of each: {dir}, {stem} and {1}, {2}, … (what the wildcards took). Examples: 'norain/{stem}.png';
    --rainy 'rainy/*_*.jpg' --clean 'gt/{1}.jpg'."""
    pairs: Annotated[Path | None, arg(metavar="FILE")] = None
    """CSV file with columns rainy, clean and, if you like, scene and split; names are relative to the file."""

    def pairing(self) -> "Pairing":
        """Return what the flags say. Raises UsageError where they contradict each other."""
        from rainclean.dataset import Pairing

        return Pairing(rainy=self.rainy, clean=self.clean, pairs=self.pairs)


NO_FLAGS = PairingFlags()
"""None of them is given."""
