"""File systems for tests: full ones, and read-only ones, which stop root too. Tests that need them are skipped where
this user may not mount.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SKIPPED = "needs Linux and the right to mount file systems"


def _run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{SKIPPED}: {done.stderr.strip()}")


@contextlib.contextmanager
def _mounted(folder: Path, *options: object) -> Iterator[Path]:
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip(SKIPPED)
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", *options, folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def small(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory, of so many bytes at most (1m)."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield folder


def enlarge(folder: Path, size: str) -> None:
    """Give the file system of ``small`` another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder through which nothing can be written, though its owner may."""
    with _mounted(folder, "--bind", folder):
        _run("mount", "-o", "remount,ro,bind", folder)
        yield folder


def fill(folder: Path) -> None:
    """Take all the room that a file system has left."""
    with (folder / "filling").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes([1]) * 4096)


def copy_tree(source: Path, target: Path) -> Path:
    """Files that are mostly holes stay so."""
    subprocess.run(["cp", "-a", "--sparse=always", str(source), str(target)], check=True)
    return target
