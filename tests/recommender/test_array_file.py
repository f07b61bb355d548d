"""Files of arrays that are mapped into memory."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mcp_server.recommender.array_file import map_arrays

ARRAYS = {
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
    "halves": np.arange(3, dtype=np.float16),
    "indices": np.arange(5, dtype=np.int32),
    "indptr": np.arange(4, dtype=np.int64),
    "hashes": np.arange(4, dtype=np.uint64) + 2**63,
    "flags": np.array([True, False, True]),
    "none": np.zeros((7, 0), dtype=np.float32),
}


def test_arrays_are_what_the_library_wrote(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "file")
    found = map_arrays(tmp_path / "file")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_nothing_is_copied_and_nothing_can_be_changed(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "file")
    weights = map_arrays(tmp_path / "file")["weights"]
    assert isinstance(weights.base.base, np.memmap) or isinstance(weights.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 1


@pytest.mark.parametrize("length", [0, 5, 8, 40])
def test_what_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    save_file(ARRAYS, tmp_path / "file")
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:length])
    with pytest.raises(ValueError):
        map_arrays(tmp_path / "file")


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "file")
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:-1])
    with pytest.raises(ValueError, match="not as long as its header says"):
        map_arrays(tmp_path / "file")
