"""How this program starts itself anew."""

import sys

PYTHON = (sys.executable, "-P")
"""An interpreter that imports nothing from the working directory. With ``-m`` alone that comes first, and hosts start
servers in whatever folder their users have opened.
"""

OWN_PROGRAM = (*PYTHON, "-m", "mcp_server")
