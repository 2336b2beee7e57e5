from . import scene_similarity
from .arrays import DatasetArrays, PairArrays, read_arrays
from .files import Files, is_relative
from .hub_metadata import by_split, data_files, is_packed, metadata_files, metadata_name
from .layout_base import Layout, PairKey, PairPaths, StoredPair, Widths
from .layout_spa import LISTS
from .layouts import LAYOUTS, layout, register_layout, unregister_layout
from .likeness import Likeness
from .manifest import NAME, PARQUET_NAME, REPORT, ManifestRow, read_manifest, write_manifest, write_parquet
from .pairs import Crop, CropChoice, FrameChoice, rain_amount, rain_mask
from .problems import HARMLESS, Kind, Problem
from .reader import Dataset, DatasetPair, read_dataset, read_mask, read_pair
from .splits import split_scenes
from .verification import verify

__all__ = [
    "HARMLESS",
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
    "PairArrays",
    "PairKey",
    "PairPaths",
    "Problem",
    "StoredPair",
    "Widths",
    "by_split",
    "data_files",
    "is_packed",
    "is_relative",
    "layout",
    "metadata_files",
    "metadata_name",
    "rain_amount",
    "rain_mask",
    "read_arrays",
    "read_dataset",
    "read_manifest",
    "read_mask",
    "read_pair",
    "register_layout",
    "scene_similarity",
    "split_scenes",
    "unregister_layout",
    "verify",
    "write_manifest",
    "write_parquet",
]
