"""`recsys-agent`: a thin LangGraph client of recsys-mcp and of any other MCP server.

It knows nothing of films, users or this project's server: it reads all that it needs from the tools, instructions and
prompts of the servers that it connects to.
"""
