"""``python -m mcp_server``, and the command ``recsys-mcp``."""

from recsys_shared.library_warnings import hide_library_warnings
from recsys_shared.streams import accept_any_text


def main() -> None:
    hide_library_warnings()
    accept_any_text()
    from mcp_server.cli.app import main as run  # after that: what it imports may warn

    run()


if __name__ == "__main__":
    main()
