"""The folder of the agent's own files: conversations, and the files of its page."""

import os
from pathlib import Path

from platformdirs import user_data_path

STATE_VARIABLE = "RECSYS_AGENT_STATE"


def state_folder() -> Path:
    """The folder that the variable names, else one in the user's data folder."""
    named = os.environ.get(STATE_VARIABLE)
    return Path(named) if named else user_data_path("recsys-agent")
