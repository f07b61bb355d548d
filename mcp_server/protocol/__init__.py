"""The Model Context Protocol: messages, handlers of requests, the MCP SDK, stdio and the client."""
