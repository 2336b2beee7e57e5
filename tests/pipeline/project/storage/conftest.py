from pathlib import Path

import pytest

from tests.helpers.rainy_clips import rainy_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short clips of four places; do not change them."""
    folder = tmp_path_factory.mktemp("rain")
    for seed in range(4):
        rainy_clip(folder / f"place{seed}.mkv", seed)
    return folder
