"""A page as a host shows it: in a sandboxed frame of a real browser, inside the official host, over a real server."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

from mcp_server.protocol.client import stdio_session
from mcp_server.settings import Settings
from tests.clients.npm import run_node

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Frame, Route

HERE = Path(__file__).parent

Wire = dict[str, Any]

CallTool = Callable[[str, Mapping[str, Any]], Wire]
"""Calls a tool of a running server; gives the protocol's JSON."""

EVERYTHING: Wire = {"serverTools": {}, "message": {"text": {}}}
"""Offers of a host that pages make use of."""

HOST_URL = "https://host.test/"
VIEW_URL = "https://view.test/"

HOST_PAGE = """<!doctype html><html lang="en"><head><title>Host</title><style>
body { margin: 0 } iframe { display: block; width: 100%; border: 0 }
</style></head><body><script src="/host.js"></script></body></html>
"""


def policy_for(domains: Sequence[str]) -> str:
    """Policy that hosts set, by MCP Apps, for a page that declares some domains, or none."""
    resources = " ".join(["'self'", *domains])
    return (
        f"default-src 'none'; script-src {resources} 'unsafe-inline'; style-src {resources} 'unsafe-inline'; "
        f"img-src {resources} data:; media-src {resources} data:; connect-src 'none'"
    )


@dataclass(frozen=True)
class Server:
    """A running server."""

    tools: Callable[[], list[Wire]]
    """Lists the tools."""
    call: CallTool
    read: Callable[[str], Wire]
    """Reads a resource."""

    def page(self, name: str) -> str:
        """The document of a page."""
        document: str = self.read(f"ui://recsys/{name}")["contents"][0]["text"]
        return document


@contextlib.contextmanager
def running_server(settings: Settings, log: Path) -> Iterator[Server]:
    """A server over stdio, in a thread with an event loop of its own: Playwright has the one of this thread."""
    command = ["serve", "--dataset", settings.dataset, "--state", str(settings.state_folder)]
    with (
        log.open("w") as errlog,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(stdio_session(command, errlog=errlog)) as session,
    ):
        tools, call, read = (partial(portal.call, each) for each in (session.list_tools, session.call, session.read))
        yield Server(tools, call, read)


def make_host_script(folder: Path) -> str:
    """The host as one script, made in a scratch folder."""
    made = run_node(HERE / "bundle.cjs", HERE / "host.mjs", folder / "host.js", home=folder)
    assert made.returncode == 0, made.stderr
    return (folder / "host.js").read_text(encoding="utf-8")


@contextlib.contextmanager
def open_host(script: str, scale: int = 1) -> "Iterator[Host]":
    """A host in a browser of its own. While it is open, this thread can have no other event loop.

    Args:
        script: Of make_host_script.
        scale: Pixels of the screen for one of the page.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # five seconds are little where much else runs
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        host = Host(browser, script, scale)
        yield host
        host.close()
        browser.close()


class Host:
    """A tab of a browser with the host in it, which shows one page after another."""

    def __init__(self, browser: "Browser", script: str, scale: int) -> None:
        self._script = script
        self.shown: Hosted | None = None
        self.elsewhere: list[str] = []
        """URLs that pages wanted to fetch, but for pictures."""
        self.pictures: dict[str, bytes] = {}
        """PNG files by their URL."""
        self.complaints: list[str] = []
        """Errors and warnings of the browser."""
        self._context = browser.new_context(device_scale_factor=scale)
        self.tab = self._context.new_page()
        self.tab.set_default_timeout(20_000)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._hear)
        self._context.route("**/*", self._serve)
        self.tab.expose_function("callTool", lambda name, arguments: self._view.call_tool(name, arguments))
        self.tab.expose_function("takeMessage", lambda message: self._view.take_message(message))
        self.tab.goto(HOST_URL)

    def close(self) -> None:
        self._context.close()

    @property
    def _view(self) -> "Hosted":
        assert self.shown is not None
        return self.shown

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _serve(self, route: "Route") -> None:
        match urlsplit(route.request.url):
            case ("https", "host.test", "/", _, _):
                route.fulfill(body=HOST_PAGE, content_type="text/html")
            case ("https", "host.test", "/host.js", _, _):
                route.fulfill(body=self._script, content_type="text/javascript")
            case ("https", "view.test", "/", _, _):
                policy = {"Content-Security-Policy": policy_for(self._view.domains)}
                route.fulfill(body=self._view.document, content_type="text/html; charset=utf-8", headers=policy)
            case _ if route.request.url in self.pictures:
                route.fulfill(body=self.pictures[route.request.url], content_type="image/png")
            case _:
                self.elsewhere.append(route.request.url)
                route.abort()


class Hosted:
    """A page in a host.

    Args:
        capabilities: What the host offers.
        context: How the host looks.
        messages_fail: Does the host refuse what the page says in the conversation?
        domains: Those that the page declares.
        media: What people have set in the browser, as Playwright's emulate_media takes it.
    """

    def __init__(
        self,
        host: Host,
        document: str,
        call: CallTool,
        *,
        capabilities: Wire | None = None,
        context: Wire | None = None,
        messages_fail: bool = False,
        domains: Sequence[str] = (),
        viewport: tuple[int, int] = (900, 700),
        **media: Any,
    ) -> None:
        self._call, self._messages_fail = call, messages_fail
        self.document, self.domains = document, domains
        self.calls: list[tuple[str, Wire]] = []
        self.messages: list[str] = []
        self.tab = host.tab
        host.shown = self
        self.tab.set_viewport_size({"width": viewport[0], "height": viewport[1]})
        self.tab.emulate_media(**{"color_scheme": "light", "reduced_motion": "no-preference", **media})
        offered = EVERYTHING if capabilities is None else capabilities
        self.introduction = self.tab.evaluate(
            "openView", {"url": VIEW_URL, "capabilities": offered, "context": context or {}}
        )

    def call_tool(self, name: str, arguments: Wire) -> Wire:
        self.calls.append((name, arguments))
        return self._call(name, arguments)

    def take_message(self, message: Wire) -> Wire:
        self.messages += [block["text"] for block in message["content"]]
        return {"isError": True} if self._messages_fail else {}

    @property
    def frame(self) -> "Frame":
        return next(frame for frame in self.tab.frames if frame.url == VIEW_URL)

    def send_input(self, arguments: Wire) -> None:
        self.tab.evaluate("(given) => bridge.sendToolInput({ arguments: given })", arguments)

    def send_result(self, result: Wire) -> None:
        self.tab.evaluate("(result) => bridge.sendToolResult(result)", result)

    def show(self, tool: str, **arguments: Any) -> Wire:
        """Call a tool as a host does, and let the page show the result; the result's content."""
        self.send_input(arguments)
        result = self._call(tool, arguments)
        self.send_result(result)
        self.frame.wait_for_selector("main:not([aria-busy])")
        content: Wire = result.get("structuredContent", {})
        return content
