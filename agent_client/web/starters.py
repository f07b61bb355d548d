"""Questions that a page offers to begin with."""

from collections.abc import Sequence

from mcp import ClientSession

from agent_client.servers.address import ServerAddress
from agent_client.servers.session import ASSISTANT_PROMPT, ServerSession, needs_arguments

MOST_STARTERS = 5

GENERAL_STARTERS = (
    ("What can you do?", "What can you do for me, and what do you need to know from me for it?"),
    ("Which tools are there?", "Which tools do you have? Say of each what it is for."),
    ("What do you know?", "What data do you have, and how much of it?"),
    ("Show an example", "Show me by an example of your own choice what you can do, and how you do it."),
)

Starter = tuple[str, str]
"""A label and its question."""


async def starters_of(servers: Sequence[ServerAddress]) -> list[Starter]:
    """Questions to begin with: the servers' prompts that need no arguments, else their tools by title.

    Raises:
        AgentError: A server cannot be used.
    """
    prompts: list[Starter] = []
    titles: list[str] = []
    for address in servers:
        server = ServerSession(address)
        try:
            session = await server.open()
            prompts += await _prompts(session)
            titles += [tool.title for tool in (await session.list_tools()).tools if tool.title]
        finally:
            await server.close()
    if prompts:
        return prompts[:MOST_STARTERS]
    of_tools = [(title, f"{title}, please.") for title in titles]
    return [*GENERAL_STARTERS[:1], *of_tools][:MOST_STARTERS] if of_tools else list(GENERAL_STARTERS)


async def _prompts(session: ClientSession) -> list[Starter]:
    capabilities = session.get_server_capabilities()
    if capabilities is None or capabilities.prompts is None:
        return []
    found: list[Starter] = []
    for prompt in (await session.list_prompts()).prompts:
        if prompt.name != ASSISTANT_PROMPT and not needs_arguments(prompt):
            messages = (await session.get_prompt(prompt.name)).messages
            question = "\n\n".join(getattr(message.content, "text", "") for message in messages).strip()
            found += [(prompt.title or prompt.name, question)] if question else []
    return found
