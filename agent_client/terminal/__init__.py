"""The agent in a terminal: a chat, or one question for a script."""
