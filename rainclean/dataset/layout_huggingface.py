"""Layout "huggingface": Parquet files with embedded pictures, ``data/SPLIT-00000-of-00001.parquet`` (`datasets`).

A row is a pair: the columns ``rainy``, ``clean``, ``exclude`` and ``confidence`` are pictures, the last two may be
empty; the other columns are those of the manifest. ``load_dataset(FOLDER)`` finds all splits by these names.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.dataset.container_base import ROLES, Packer, row_json
from rainclean.dataset.container_parquet import ROW, ParquetPacker
from rainclean.dataset.layout_base import PairKey, PairPaths, Widths
from rainclean.dataset.layout_packed import Member, Packed

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

GROUP_PIXELS = 2**22
"""Pixels of one side in a row group: about 8 MB of PNG files. A picture is read together with its row group."""

MOST_ROWS = 100
"""Rows in a row group, as `datasets` itself writes them."""


class HuggingFace(Packed):
    """Parquet files of about 500 MB."""

    name = "huggingface"
    label = "Hugging Face (Parquet)"
    description = "Tables with the images inside, for load_dataset() and for the hub."
    pattern = re.compile(r"data/(?P<split>train|val|test)-\d+(-of-\d+)?\.parquet")
    folders = ("data",)
    written = re.compile(r"data/(train|val|test)-\d{5,}-of-\d{5,}\.parquet")

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair: cells of the row with its key, in the file that holds its serial number."""
        shards = max(1, widths.shards(key.split))
        shard = f"data/{key.split}-{key.serial // widths.shard:05}-of-{shards:05}.parquet"
        stem = self.stem(key, widths)
        return PairPaths(*(f"{shard}/{role}/{stem}.png" for role in ROLES))

    def packer(self, root: Path, widths: Widths, pixels: int) -> Packer:
        """Return what writes the files."""
        return ParquetPacker(root, min(MOST_ROWS, max(1, GROUP_PIXELS // pixels)))

    def further(self, row: "ManifestRow") -> dict[str, bytes]:
        """Return the other cells of a row as JSON."""
        shard, _, name = row.rainy.rpartition(f"/{ROLES[0]}/")
        return {f"{shard}/{ROW}/{name.rpartition('.')[0]}.json": row_json(row)}

    def member(self, container: str, name: str) -> Member | None:
        """Return which picture a cell is."""
        role, _, file = name.partition("/")
        return Member(file.rpartition(".")[0], role) if role in ROLES else None

    def value(self, container: str, member: Member) -> str:
        """Return the name of a picture below the root."""
        return f"{container}/{member.role}/{member.key}.png"


LAYOUT = HuggingFace()
