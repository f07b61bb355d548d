"""``python -m mcp_server``: the same as the ``recsys-mcp`` command."""

from mcp_server.cli import main

if __name__ == "__main__":
    main()
