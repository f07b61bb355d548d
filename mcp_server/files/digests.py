"""Digests of the files of parts: what they were when the part was made, and whether they still are.

A digest is the SHA-256 of a file's size and of its pieces that are not zeros alone, so that it does not depend on how
a file system keeps holes. Of a JSON file its meaning counts: Qdrant Edge writes two of its own anew whenever a store
is opened, with the keys in another order.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mcp_server.errors import DamagedPartError
from mcp_server.files.sparse_files import pieces, stored_bytes

QUICK_BYTES = 40 * 2**20
"""Parts up to this size, without holes, are checked whenever they are opened, which takes less than 100 ms; larger ones
by `doctor` and `prepare` only."""

DIGESTS_FILE = "digests.json"
"""In the folder of a part; says what its other files are."""

PASSING_FILE = "tracker_journal.dat"
"""Of Qdrant Edge: is merged into others, and goes, when a store is first opened. Stores of version 0.1 in a database
have it, while copies of them that have been used do not."""

Digests = Mapping[str, str]
"""By the path of a file in its part, with slashes."""


def digest_folder(folder: Path) -> dict[str, str]:
    """Of all files of a part."""
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}


def check_folder(folder: Path, expected: Digests, *, only_quick: bool = False) -> None:
    """Are the files of a part what they were?

    Args:
        expected: Nothing is checked where this is empty, as it is for parts of version 0.1.
        only_quick: Leave it be where it would take long.

    Raises:
        DamagedPartError: They are not; the text names one.
    """
    if not expected:
        return
    try:
        if only_quick and sum(map(stored_bytes, _files(folder))) > QUICK_BYTES:
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
"""Kinds of parts, which begin the names of their folders."""

_REMEDY = "run `recsys-mcp prepare` to make it again"


def read_digests(folder: Path) -> dict[str, str]:
    """What was written down when a part was made; nothing for one of version 0.1."""
    try:
        listed = json.loads((folder / DIGESTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DamagedPartError(f"{folder / DIGESTS_FILE} cannot be read ({error}): {_REMEDY}") from error
    if not isinstance(listed, dict) or not listed or not all(isinstance(found, str) for found in listed.values()):
        raise DamagedPartError(f"{folder / DIGESTS_FILE} is damaged: {_REMEDY}")
    return listed


def _files(folder: Path) -> Iterator[Path]:
    """But hidden ones: other processes that open a store make some for a moment."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.as_posix() != DIGESTS_FILE and not any(p.startswith(".") for p in inside.parts):
            yield path


def _digest(path: Path) -> str:
    if path.suffix == ".json":
        try:
            meant = json.loads(path.read_bytes())
            return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()
        except ValueError:  # then it is bytes like any other
            pass
    digest = hashlib.sha256(f"{path.stat().st_size}".encode())
    for start, piece in pieces(path):
        digest.update(f":{start}:".encode())
        digest.update(piece)
    return digest.hexdigest()
