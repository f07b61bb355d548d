"""`recsys-agent web` as a process of its own, for tests that open its page."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.running_servers import Program

SERVING = re.compile(r"recsys-agent: (http://\S+)")


class PageServer(Program):
    """A running page.

    Args:
        models: Names that can be chosen from.
        endpoint: Of all of them.
        server: URL of the MCP server; without one, each page starts its own.
        state: Where conversations are kept.
        folder: In which it is started.
        more: Further options.
        variables: More of the environment.
    """

    def __init__(
        self,
        models: Sequence[str],
        endpoint: str,
        server: str | None,
        state: Path,
        folder: Path,
        port: int = 0,
        more: Sequence[object] = (),
        **variables: str,
    ) -> None:
        options = ["--base-url", endpoint, "--port", str(port)]
        options += [part for model in models for part in ("--model", f"openai:{model}")]
        options += [] if server is None else ["--server", server]
        options += map(str, more)
        environment = {"RECSYS_AGENT_STATE": str(state), **variables}
        super().__init__(["agent_client", "web", *options], "stdout", SERVING, environment, folder)

    @property
    def here(self) -> str:
        """The address for a browser on this machine, also of a page that listens on all addresses."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])
