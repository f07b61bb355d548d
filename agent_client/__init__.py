"""A thin LangGraph client for recsys-mcp and any other MCP server. Not written yet."""
