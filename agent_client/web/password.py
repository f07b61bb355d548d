"""The password that a page asks for where others can reach it."""

import asyncio
import hmac
import sys
from pathlib import Path
from weakref import WeakValueDictionary

from agent_client.errors import AgentError
from recsys_shared.listening import is_this_machine

SHORTEST = 12
"""Characters of a password; at one guess a second, shorter ones could be found."""

WRONG_SECONDS = 1.0
"""Time for which a wrong try keeps its address from the next one."""


class Password:
    """One password for everybody."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tries: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """The addresses that are trying."""

    async def admits(self, given: str, address: str) -> bool:
        """True if this is the password. An address makes one try at a time, and waits after a wrong one."""
        trying = self._tries.setdefault(address, asyncio.Lock())
        async with trying:
            if hmac.compare_digest(given.encode(), self.text.encode()):
                return True
            await asyncio.sleep(WRONG_SECONDS)
            return False


def password_for(host: str, file: Path | None) -> Password | None:
    """The password in the file.

    Raises:
        AgentError: Others can reach this host and there is no password, or the password cannot be used.
    """
    if file is None:
        if is_this_machine(host):
            return None
        raise AgentError(
            f"--host {host} lets others reach the page: give --password-file FILE with the password it is to ask for"
        )
    try:
        text, mode = file.read_text(encoding="utf-8").strip(), file.stat().st_mode
    except (OSError, ValueError) as error:
        raise AgentError(f"{file} cannot be read: {error}") from error
    if len(text) < SHORTEST:
        raise AgentError(f"the password in {file} has {len(text)} characters: it needs at least {SHORTEST}")
    if mode & 0o004 and sys.platform != "win32":
        print(f"recsys-agent: everybody on this machine can read {file}: chmod o-r {file}", file=sys.stderr)
    return Password(text)
