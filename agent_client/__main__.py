"""``python -m agent_client``, and the command ``recsys-agent``."""

from recsys_shared.library_warnings import hide_library_warnings


def main() -> None:
    hide_library_warnings()
    from agent_client.cli import main as run  # after that: what it imports may warn

    run()


if __name__ == "__main__":
    main()
