"""MCP servers: where they are or how they are started, and the sessions with them."""
