"""Errors shown to a person: one line that says what to do."""


class AgentError(Exception):
    """Base class of all errors that are shown to a person; the text is one line."""


class ModelError(AgentError):
    """The language model cannot be used."""


class ServerError(AgentError):
    """An MCP server cannot be used, or has gone away."""
