"""`recsys-agent`: a thin LangGraph client of recsys-mcp and of any other MCP server.

Knows nothing of films, users or this project's server: what it needs to know it reads from the servers that it
connects to, their tools, instructions and prompts.
"""
