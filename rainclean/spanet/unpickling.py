"""Read checkpoints safely: files of `torch.save`, examined before anything is made of them.

torch's restricted unpickler runs no code of a file, but makes a bytearray of any length that 100 bytes ask for, takes
the length of a storage on trust, and a view of one number for a tensor of any size. So a file is read twice: first by
Python's own unpickler with nothing behind the names, which tells what the file would make.
"""

import math
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import torch

from rainclean.errors import InputError
from rainclean.spanet.weights import check_size

LARGEST_FILE = 16 << 20
"""Bytes of a checkpoint of SPANet, also of what it makes. The released file has 3.4 million: weights and twice as much
of its optimizer."""

STORAGE = re.compile(r"torch (Float|Double|Half|BFloat16|Long|Int|Byte|Bool)Storage")
SIZES = {"Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Byte": 1, "Bool": 1}

LEGACY_PICKLES = 5
"""Before torch 1.6 a checkpoint was this many pickles, one after the other, and then the numbers."""

MOST_READS, MOST_THINGS, DEEPEST = 1_000_000, 200_000, 50
"""Of a pickle: pieces that it is read in, things in it (one that is held twice counts twice), containers within
containers. The checkpoint of a run has 40 000, 3 000 and 8."""


def unpickle(path: Path, advice: str, largest: int = LARGEST_FILE) -> Any:
    """Read a checkpoint without running code from it: tensors on the CPU, numbers, texts, lists, dictionaries.

    Args:
        path: of the file.
        advice: for messages, what to do.
        largest: bytes, also of what it makes.

    Raises:
        InputError: it holds anything else, would make more than ``largest`` bytes, or is damaged.
    """
    check_size(path, largest, advice)
    try:
        _look(path, largest)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of the file is reported below
            return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        reason = "not a checkpoint, or one that holds more than weights; nothing in it was run"
        raise InputError(path, reason, advice) from error
    # Unpicklers raise whatever the bytes lead them to; none of it is worth more than one line here.
    except Exception as error:
        raise InputError(path, f"not a whole checkpoint ({type(error).__name__})", advice) from error


def _look(path: Path, largest: int) -> None:
    with path.open("rb") as file:
        start = file.read(9)
    if start[:4] == b"PK\x03\x04":  # what torch goes by
        _look_into_archive(path, largest)
        return
    # torch.load reads safetensors as well, but ours are RGB already, and of others nobody knows.
    if start[8:] == b"{":
        raise InputError(path, "is a safetensors file, not a checkpoint", "rainclean weights info says what it is")
    stored: dict[str, int] = {}
    with path.open("rb") as file:
        for _ in range(LEGACY_PICKLES):
            stored |= _look_through(file, largest)
    if sum(stored.values()) > path.stat().st_size:
        raise pickle.UnpicklingError("more numbers than the file has")


def _look_into_archive(path: Path, largest: int) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > largest:
            raise InputError(path, f"unpacks to {unpacked:,} bytes, more than such a checkpoint can have")
        # torch finds an entry whatever its capitals, and of two the first.
        sizes = {entry.filename.lower(): entry.file_size for entry in archive.infolist()}
        if len(sizes) < len(archive.infolist()):
            raise pickle.UnpicklingError("two entries of one name")
        for entry in archive.infolist():
            folder, found, _ = entry.filename.lower().rpartition("data.pkl")
            if found:
                for key, size in _look_through(BytesIO(archive.read(entry)), largest).items():
                    if sizes.get(f"{folder}data/{key}".lower()) != size:
                        raise pickle.UnpicklingError("a storage of another size than its record")


def _look_through(file: IO[bytes], largest: int) -> dict[str, int]:
    """Return the bytes of the storages that a pickle asks for, by key; raise UnpicklingError for anything unusual."""
    look = _Look(_Counted(file), largest)
    _check_size_of(look.load())
    return look.storages


class _Counted:
    """A file that stops pickles of millions of steps."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, MOST_READS

    def read(self, size: int = -1) -> bytes:
        return self._count(self._file.read(size))

    def readline(self) -> bytes:
        return self._count(self._file.readline())

    def _count(self, data: bytes) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise pickle.UnpicklingError("too many steps")
        return data


class _Look(pickle._Unpickler):
    """Python's unpickler in Python: the one in C allocates any memory for the number of a memo entry."""

    def __init__(self, file: _Counted, largest: int) -> None:
        super().__init__(file)
        self._largest = largest
        self.storages: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Callable[..., Any] | int:
        """Return a stand-in for a name: a function without effect, or bytes of a number."""
        stand_in = _STAND_INS.get(f"{module} {name}")
        if stand_in is not None:
            return stand_in
        if match := STORAGE.fullmatch(f"{module} {name}"):
            return SIZES[match[1]]
        raise pickle.UnpicklingError("more than weights")

    def persistent_load(self, entry: Any) -> str:
        """Note a storage: ("storage", class, key, device, number of elements, ...)."""
        kind, size, key, _, number, *_ = entry
        if kind != "storage" or not isinstance(number, int) or not 0 <= number * size <= self._largest:
            raise pickle.UnpicklingError("a storage of no possible size")
        self.storages[str(key)] = number * size
        return "storage"


def _tensor(storage: str, offset: int, shape: tuple[int, ...], *_: Any) -> str:
    if storage != "storage" or not all(isinstance(n, int) and n >= 0 for n in shape) or math.prod(shape) > LARGEST_FILE:
        raise pickle.UnpicklingError("a tensor of no possible size")
    return "tensor"


_STAND_INS: Mapping[str, Callable[..., Any]] = {
    "collections OrderedDict": OrderedDict,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": lambda data, *_: data,
}


def _check_size_of(content: Any) -> None:
    """Raise UnpicklingError where content is too much to go through, or nested too deep."""
    waiting = [(content, 0)]
    for _ in range(MOST_THINGS):
        if not waiting:
            return
        thing, depth = waiting.pop()
        if depth > DEEPEST or len(waiting) > MOST_THINGS:
            break
        if isinstance(thing, (list, tuple, set, frozenset)):
            waiting += [(one, depth + 1) for one in thing]
        elif isinstance(thing, Mapping):
            waiting += [(one, depth + 1) for pair in thing.items() for one in pair]
    raise pickle.UnpicklingError("too much in it")
