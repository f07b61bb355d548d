"""The words by which a model is asked, and the sentences that a person reads of its answers; they are data, in
prompts.toml and notes.toml.
"""

import tomllib
from pathlib import Path

PROMPTS, NOTES = (
    tomllib.loads(Path(__file__).with_name(name).read_text("utf-8")) for name in ("prompts.toml", "notes.toml")
)
