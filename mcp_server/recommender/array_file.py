"""Files of arrays, mapped into memory instead of being read, so that processes that open the same file share it.

The library ``safetensors`` writes them, and copies what it reads; its format is public and simple. A file begins with
the length of its header, as 8 bytes, and the header, which is JSON: for each array its type, shape and place.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

MOST_HEADER_BYTES = 100_000_000
"""The limit of the format."""

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "U64": "<u8",
    "U8": "|u1",
    "BOOL": "|b1",
}


def map_arrays(path: Path) -> dict[str, Any]:
    """The arrays of a file by name, which cannot be written to.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no such file, or damaged.
        KeyError: Its header lacks something, or names a type that no model has.
    """
    content = np.memmap(path, dtype=np.uint8, mode="r")
    n_header = int.from_bytes(content[:8].tobytes(), "little")
    if not 0 < n_header <= min(MOST_HEADER_BYTES, len(content) - 8):
        raise ValueError("it does not begin as a file of arrays does")
    header = json.loads(content[8 : 8 + n_header].tobytes())
    return {name: _array(content[8 + n_header :], entry) for name, entry in header.items() if name != "__metadata__"}


def _array(content: Any, entry: dict[str, Any]) -> Any:
    start, end = entry["data_offsets"]
    kind, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
    if not 0 <= start <= end <= len(content) or end - start != kind.itemsize * math.prod(shape):
        raise ValueError("an array is not as long as its header says")
    return np.asarray(content[start:end]).view(kind).reshape(shape)
