"""The words by which a model is asked; they are data, in prompts.toml."""

import tomllib
from pathlib import Path

PROMPTS: dict[str, str] = tomllib.loads(Path(__file__).with_name("prompts.toml").read_text("utf-8"))
