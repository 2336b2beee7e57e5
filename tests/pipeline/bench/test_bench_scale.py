"""The index of a large data set, on a small one."""

from pathlib import Path

import pytest

from pipeline.bench.scale import make_tree, measure_index
from rainclean.dataset.reader import read_dataset
from rainclean.errors import RaincleanError


def test_the_tree_is_an_spa_data_and_is_measured(tmp_path: Path) -> None:
    make_tree(tmp_path / "data", 50)
    data = read_dataset(tmp_path / "data")
    assert (data.layout, len(data.pairs), data.splits) == ("spa", 50, ("train",))
    found = measure_index(tmp_path / "data")
    assert found.pairs == 50 and found.first_seconds > 0 and 10 < found.second_peak_mib < 1000
    with pytest.raises(RaincleanError, match="cannot be indexed"):
        measure_index(tmp_path / "gone")
