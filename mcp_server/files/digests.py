"""Digests of the files of parts, which show whether a part is still as it was made.

A digest is the SHA-256 of a file's size and of all pieces that are not only zeros, so that it does not depend on how a
file system stores holes. For a JSON file only the meaning counts, because Qdrant Edge rewrites two of its own whenever
a store is opened, with the keys in another order.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mcp_server.errors import DamagedPartError
from mcp_server.files.sparse_files import pieces, stored_bytes

QUICK_BYTES = 40 * 2**20
"""Size, without holes, up to which a part is checked whenever it is opened, which takes less than 100 ms. Larger parts
are checked by `doctor` and `prepare` only.
"""

DIGESTS_FILE = "digests.json"
"""Name of the file with the digests of the other files, in the folder of a part."""

PASSING_FILE = "tracker_journal.dat"
"""Name of a file of Qdrant Edge that disappears when a store is first opened. Digests that version 0.1 has made may
name it.
"""

Digests = Mapping[str, str]
"""Digests by the path of a file in its part, with slashes."""


def digest_folder(folder: Path) -> dict[str, str]:
    """The digests of all files of a part."""
    return {path.relative_to(folder).as_posix(): _digest(path) for path in lasting_files(folder)}


def check_folder(folder: Path, expected: Digests, *, only_quick: bool = False) -> None:
    """Check that the files of a part are what they were.

    Args:
        expected: The digests then. If they are empty, as they are for parts of version 0.1, nothing is checked.
        only_quick: Do not check a part that would take long.

    Raises:
        DamagedPartError: A file has changed. The text names it.
    """
    if not expected:
        return
    try:
        if only_quick and sum(map(stored_bytes, lasting_files(folder))) > QUICK_BYTES:
            return
        found = digest_folder(folder)
    except OSError as error:
        raise DamagedPartError(f"{folder} cannot be read ({error}): {_REMEDY}") from error
    for path in sorted({*found, *expected}):
        if found.get(path) != expected.get(path) and not (path not in found and path.endswith(f"/{PASSING_FILE}")):
            what = "is missing" if path not in found else "is not its own" if path not in expected else "has changed"
            called = _CALLED.get(folder.name.partition("-")[0], "what is")
            raise DamagedPartError(f"{called} in {folder} is not as it was made ({path} {what}): {_REMEDY}")


_CALLED = {"catalog": "the catalogue", "model": "the model", "vectors": "the vector store"}
"""Words for the kinds of parts, with which the names of their folders begin."""

_REMEDY = "run `recsys-mcp prepare` to make it again"


def read_digests(folder: Path) -> dict[str, str]:
    """The digests that were written when a part was made, or none for a part of version 0.1."""
    try:
        listed = json.loads((folder / DIGESTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DamagedPartError(f"{folder / DIGESTS_FILE} cannot be read ({error}): {_REMEDY}") from error
    if not isinstance(listed, dict) or not listed or not all(isinstance(found, str) for found in listed.values()):
        raise DamagedPartError(f"{folder / DIGESTS_FILE} is damaged: {_REMEDY}")
    return listed


def lasting_files(folder: Path) -> Iterator[Path]:
    """All files but hidden ones and those in hidden folders, which other processes make for a moment when they open a
    store: they may be gone before they can be looked into.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path != folder / DIGESTS_FILE and path.is_file():
                yield path


def _digest(path: Path) -> str:
    if path.suffix == ".json":
        try:
            meant = json.loads(path.read_bytes())
            return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()
        except ValueError:  # not JSON after all
            pass
    digest = hashlib.sha256(f"{path.stat().st_size}".encode())
    for start, piece in pieces(path):
        digest.update(f":{start}:".encode())
        digest.update(piece)
    return digest.hexdigest()
