"""Starts the server inside an MCP bundle, with the values of the host's form.

A field that was not filled in comes as an empty value or as its placeholder in the manifest; both mean not set.
"""

import os
import sys
from pathlib import Path

for name, value in list(os.environ.items()):
    if name.startswith("RECSYS_") and (not value.strip() or value.startswith("${user_config.")):
        del os.environ[name]

# The program is not installed but lies beside this file, and training runs as a process in another folder.
here = str(Path(__file__).resolve().parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))

from mcp_server.__main__ import main  # noqa: E402 - reads the environment

sys.argv[1:] = ["serve"]
main()
