"""Where the agent keeps what it keeps: conversations, and the files of its page."""

import os
from pathlib import Path

from platformdirs import user_data_path

STATE_VARIABLE = "RECSYS_AGENT_STATE"


def state_folder() -> Path:
    """The folder that the variable names, else the user's."""
    named = os.environ.get(STATE_VARIABLE)
    return Path(named) if named else user_data_path("recsys-agent")
