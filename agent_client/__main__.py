"""`python -m agent_client`."""

from agent_client.cli import main

main()
