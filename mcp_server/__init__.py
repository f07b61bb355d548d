"""A recommender engine for LLM assistants: ten recommendation tools over the Model Context Protocol."""

import sys

__version__ = "0.1.0"

PYTHON = (sys.executable, "-P")
"""An interpreter that imports nothing from the working directory. With ``-m`` alone that comes first, and hosts start
servers in whatever folder their users have opened.
"""

OWN_PROGRAM = (*PYTHON, "-m", "mcp_server")
