from . import scene_similarity
from .arrays import DatasetArrays, PairArrays, read_arrays
from .by_list import write_list
from .container_base import Packer
from .containers import PackedFiles, file_of, read_value
from .files import Files, is_relative
from .hub_metadata import by_split, data_files, is_packed, metadata_files, metadata_name
from .layout_base import Layout, PairKey, PairPaths, StoredPair, Widths
from .layout_spa import LISTS
from .layouts import LAYOUTS, is_written_by_layout, layout, register_layout, unregister_layout
from .likeness import Likeness
from .linter import Lint, lint
from .manifest import NAME, PARQUET_NAME, REPORT, ManifestRow, read_manifest, write_manifest, write_parquet
from .pair_table import DatasetPair, PairTable
from .pairing import KNOWN_NAMES, PAIRS_NAME, UNSPLIT, Pairing
from .pairs import Crop, CropChoice, FrameChoice, rain_amount, rain_mask
from .problems import HARMLESS, Kind, Problem
from .reader import Dataset, image_size, layout_of, read_dataset, read_mask, read_pair
from .splits import split_scenes
from .verification import verify

__all__ = [
    "HARMLESS",
    "KNOWN_NAMES",
    "LAYOUTS",
    "LISTS",
    "NAME",
    "PAIRS_NAME",
    "PARQUET_NAME",
    "REPORT",
    "UNSPLIT",
    "Crop",
    "CropChoice",
    "Dataset",
    "DatasetArrays",
    "DatasetPair",
    "Files",
    "FrameChoice",
    "Kind",
    "Layout",
    "Likeness",
    "Lint",
    "ManifestRow",
    "PackedFiles",
    "Packer",
    "PairArrays",
    "PairKey",
    "PairPaths",
    "PairTable",
    "Pairing",
    "Problem",
    "StoredPair",
    "Widths",
    "by_split",
    "data_files",
    "file_of",
    "image_size",
    "is_packed",
    "is_relative",
    "is_written_by_layout",
    "layout",
    "layout_of",
    "lint",
    "metadata_files",
    "metadata_name",
    "rain_amount",
    "rain_mask",
    "read_arrays",
    "read_dataset",
    "read_manifest",
    "read_mask",
    "read_pair",
    "read_value",
    "register_layout",
    "scene_similarity",
    "split_scenes",
    "unregister_layout",
    "verify",
    "write_list",
    "write_manifest",
    "write_parquet",
]
