"""MCP Apps: small pages that hosts show in place of a tool's JSON.

A page is one self-contained HTML document that a host loads into a sandboxed frame. It gets the tool's arguments and
result from the host, and asks the host to call tools. The dataset's nouns, labels and groups are put into it when it is
made. Nothing here knows the MCP SDK; the server publishes the pages.

The protocol: https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx
"""

from mcp_server.apps.pages import MIME_TYPE, AppPage, build_pages

__all__ = ["MIME_TYPE", "AppPage", "build_pages"]
