"""How far an answer may go, unless a person says otherwise."""

MAX_STEPS = 12
"""So often the model may ask for tools before it has to answer."""

CONTEXT_TOKENS = 32_000
"""Of a conversation, by a rough count; the system prompt and the list of tools come on top."""
