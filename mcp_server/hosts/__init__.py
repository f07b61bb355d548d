"""MCP hosts on the user's machine: where each keeps its servers, and how ours is entered there and taken out again."""
