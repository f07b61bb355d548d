"""Writing a file whole or not at all."""

import contextlib
import os
from pathlib import Path


def write_atomically(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Replace a file in one step, or make it. Readers see the old content or the new, never a part.

    Args:
        content: The whole content; text is written as UTF-8.
        mode: Permissions of the new file, instead of those that the process gives to new files.

    Raises:
        OSError: The file cannot be written. What was there before is still there.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as stream:
            if mode is not None:
                aside.chmod(mode)
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
