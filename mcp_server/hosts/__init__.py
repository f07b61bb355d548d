"""MCP hosts on the user's machine: the file in which each keeps its servers, and our entry in it."""
