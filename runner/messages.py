"""Messages of run.py: lines on stderr, so that stdout belongs to the command that it runs."""

import sys
from typing import NoReturn


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    say(f"run.py: {text}")
    sys.exit(2)
