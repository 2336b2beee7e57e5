"""A checkpoint that would take more than a checkpoint needs is refused before anything is made of it."""

import pickle
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.training.job import Machine
from pipeline.training.train import resume
from rainclean.errors import InputError
from rainclean.spanet.unpickling import MOST_READS, unpickle

NAMED = b"ctorch._utils\n_rebuild_tensor_v2\n"


def tensor(number: int, shape: bytes, stride: bytes, kind: bytes = b"Float") -> bytes:
    """Opcodes for a tensor over a storage of so many elements; shape and stride as opcodes of tuples."""
    storage = b"(X\x07\0\0\0storagectorch\n" + kind + b"Storage\nX\x01\0\0\0" + b"0X\x03\0\0\0cpu"
    return (
        NAMED + b"(" + storage + b"I%d\ntQK\0" % number + shape + stride + b"\x89ccollections\nOrderedDict\n)Rt" + b"R"
    )


ONE = b"K\x03\x85"
PICKLES = {
    "a bytearray of 8 GB": b"cbuiltins\nbytearray\n\x8a\x05\0\0\0\0\x02\x85R.",
    "code": b"cposix\nsystem\nX\x02\0\0\0id\x85R.",
    "a storage longer than its record": tensor(4, ONE, b"K\x01\x85") + b".",
    "a storage of no bytes": tensor(-3, ONE, b"K\x01\x85") + b".",
    "a view of one number as of 8 billion": tensor(3, b"\x8a\x05\0\0\0\0\x02\x85", b"K\0\x85") + b".",
    "lists within lists": b"]" * 200 + b"a" * 199 + b".",
    "a list of itself": b"]q\0h\0a.",
    "twice the same, thirty times": b"]" + b"q\0]h\0ah\0a" * 30 + b".",
    "many steps": b"]" + b"Na" * MOST_READS + b".",
    "a text that is not there": b"\x8d" + struct.pack("<Q", 1 << 33) + b"x.",
}


def archive(data: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as entries:
        for name, content in (
            ("data.pkl", data),
            ("version", b"3\n"),
            ("byteorder", b"little"),
            ("data/0", b"\0" * 12),
        ):
            entries.writestr(f"a/{name}", content)
    return file.getvalue()


def legacy(data: bytes) -> bytes:
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001, "type_sizes": {}}]
    return b"".join(pickle.dumps(part, 2) for part in head) + data + pickle.dumps([], 2)


@pytest.mark.parametrize("form", [archive, legacy])
@pytest.mark.parametrize("name", PICKLES)
def test_it_is_refused_before_it_takes_memory_or_time(
    name: str, form: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "last.ckpt"
    path.write_bytes(form(PICKLES[name]))
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if form is legacy and name == "a storage longer than its record":
        pytest.skip("what is told behind the pickles counts there")
    with pytest.raises(InputError) as caught:
        unpickle(path, "advice")
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert time.process_time() - begun < 5


def test_numbers_in_a_memo_are_names(tmp_path: Path) -> None:
    """Python's unpickler in C would make room for two billion entries."""
    path = tmp_path / "last.ckpt"
    path.write_bytes(archive(b"Nr\xff\xff\xff\x7f."))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert unpickle(path, "advice") is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_two_entries_of_one_name(tmp_path: Path) -> None:
    """torch takes the first of two and knows no capitals; what is looked at must be what it takes."""
    path = tmp_path / "last.ckpt"
    torch.save({"a": torch.ones(3)}, path)
    with zipfile.ZipFile(path, "a") as entries:
        name = next(name for name in entries.namelist() if name.endswith("data.pkl"))
        entries.writestr(name.replace("data.pkl", "DATA.pkl"), b"N.")
    with pytest.raises(InputError, match="more than weights"):
        unpickle(path, "advice")


@pytest.mark.parametrize("old", [False, True])
def test_what_checkpoints_hold_comes_as_it_is(old: bool, tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    content: dict[str, Any] = {
        "net": {"w": torch.arange(6.0).reshape(2, 3).T, "h": torch.ones(2, dtype=torch.float16)},
        "x": [1, "a"],
    }
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    found = unpickle(path, "advice")
    assert torch.equal(found["net"]["w"], content["net"]["w"])
    assert torch.equal(found["net"]["h"], content["net"]["h"])
    assert found["x"] == [1, "a"]


def test_a_run_goes_through_the_same_door(tmp_path: Path) -> None:
    from pipeline.training import run_folder
    from pipeline.training.recipe import preset

    record = run_folder.RunRecord(preset("quick"), tmp_path / "pairs", "", {})
    run_folder.create(tmp_path, record)
    for data, reason in ((PICKLES["a bytearray of 8 GB"], "more than weights"), (pickle.dumps([], 2), "is damaged")):
        (tmp_path / run_folder.CHECKPOINT).write_bytes(archive(data))
        with pytest.raises(InputError, match=rf"last\.ckpt: .*{reason}.*; start a new run"):
            next(resume(tmp_path, Machine(accelerator="cpu")))
