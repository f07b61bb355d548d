"""The pictures of the pages in docs/: `python -m tests.apps.screenshots`.

Needs what the tests of the pages need, and a state of MovieLens-100k, as the settings name it (RECSYS_STATE).
"""

import tempfile
from pathlib import Path
from typing import Any

from mcp_server.settings import Settings
from tests.apps.hosted import Hosted, make_host_script, open_host, running_server
from tests.names import HISTORY, POPULAR, RECOMMEND

DOCS = Path(__file__).parent.parent.parent / "docs"

PICTURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "recommendations": (RECOMMEND, {"user": 98, "k": 6, "reasons": True}, "light"),
    "taste": (HISTORY, {"user": 207}, "light"),
    "popularity": (POPULAR, {"k": 8}, "dark"),
}
"""The tool, its arguments, and the host's theme, by page."""

SIZE = (880, 700)


def finish(name: str, hosted: Hosted) -> None:
    """Wait for what comes after the result, or do what people do."""
    match name:
        case "recommendations":
            hosted.frame.locator(".chips").nth(5).wait_for()
        case "taste":
            hosted.frame.get_by_text("From all").wait_for()
        case "popularity":
            hosted.frame.get_by_role("radio", name="teenager").check()
            hosted.frame.get_by_text("in both lists").wait_for()
            hosted.frame.evaluate("document.activeElement.blur()")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        script = make_host_script(Path(scratch))
        with running_server(Settings(dataset="ml-100k"), Path(scratch) / "log") as server, open_host(script, 2) as host:
            for name, (tool, arguments, theme) in PICTURES.items():
                hosted = Hosted(host, server.page(name), server.call, context={"theme": theme}, viewport=SIZE)
                hosted.show(tool, **arguments)
                finish(name, hosted)
                height = hosted.frame.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
                hosted.tab.set_viewport_size({"width": SIZE[0], "height": height})
                hosted.tab.wait_for_function(f"document.querySelector('iframe').clientHeight === {height}")
                hosted.tab.screenshot(path=DOCS / f"app-{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
