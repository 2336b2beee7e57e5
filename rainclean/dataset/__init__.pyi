from . import scene_similarity
from .arrays import DatasetArrays, PairArrays, read_arrays
from .container_base import Packer
from .containers import PackedFiles, file_of, read_value
from .files import Files, is_relative
from .layout_base import Layout, PairKey, PairPaths, StoredPair, Widths
from .layout_spa import LISTS
from .layouts import LAYOUTS, is_written_by_layout, layout, register_layout, unregister_layout
from .likeness import Likeness
from .manifest import NAME, PARQUET_NAME, REPORT, ManifestRow, has_parquet, read_manifest, write_manifest, write_parquet
from .pairs import Crop, CropChoice, FrameChoice, rain_amount, rain_mask
from .problems import Kind, Problem
from .reader import Dataset, DatasetPair, read_dataset, read_mask, read_pair
from .splits import split_scenes
from .verification import verify

__all__ = [
    "LAYOUTS",
    "LISTS",
    "NAME",
    "PARQUET_NAME",
    "REPORT",
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
    "ManifestRow",
    "PackedFiles",
    "Packer",
    "PairArrays",
    "PairKey",
    "PairPaths",
    "Problem",
    "StoredPair",
    "Widths",
    "file_of",
    "has_parquet",
    "is_relative",
    "is_written_by_layout",
    "layout",
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
    "write_manifest",
    "write_parquet",
]
