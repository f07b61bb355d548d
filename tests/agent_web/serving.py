"""`recsys-agent web` as a process of its own, for tests that open its page."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.serving import PATIENCE_SECONDS, own_environment

SERVING = re.compile(r"recsys-agent: (http://\S+)")


class PageServer:
    """A running page.

    Args:
        models: Names that can be chosen from.
        endpoint: Of all of them.
        server: URL of the MCP server; without one, each page starts its own.
        state: Where conversations are kept.
        folder: In which it is started.
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
        **variables: str,
    ) -> None:
        options = ["--base-url", endpoint, "--port", str(port)]
        options += [part for model in models for part in ("--model", f"openai:{model}")]
        options += [] if server is None else ["--server", server]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent_client", "web", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=own_environment({"RECSYS_AGENT_STATE": str(state), **variables}),
        )
        self.log: list[str] = []
        self.url = ""
        self._serves = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        assert self._serves.wait(PATIENCE_SECONDS), "nothing was said"

    def _read_log(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            if not self.url and (found := SERVING.search(line)):
                self.url = found[1]
                self._serves.set()
        self._serves.set()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def end(self) -> int:
        """Ask to stop; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
