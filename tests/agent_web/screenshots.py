"""The pictures of the agent's page in docs/: `.venv-agent/bin/python -m tests.agent_web.screenshots`.

Needs what the tests of the page need, and a state of MovieLens-100k, as the settings name it (RECSYS_STATE).
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from mcp_server.settings import Settings
from tests.agent.conversations.films import of_set
from tests.agent.scripted_models import Reading, Say, ScriptedModel, call
from tests.agent_web.conftest import BROWSER_OPTIONS, DESKTOP, PHONE
from tests.agent_web.serving import PageServer
from tests.agent_web.test_page import ask, cards
from tests.names import FILTER, RECOMMEND
from tests.running_servers import http_server

DOCS = Path(__file__).parent.parent.parent / "docs"

PICTURES = {"desktop": (DESKTOP, "light", 1), "phone": (PHONE, "dark", 2)}
"""Size, colours, and pixels for each of the page's."""

MODELS = ("gpt-4.1", "gpt-4.1-mini")


def best(reading: Reading) -> str:
    first = reading.last(RECOMMEND)["items"][0]
    count = reading.last(FILTER)["count"]
    return f"**{first['title']}** (ID {first['item_id']}) comes first among {count} comedies. Shall I explain?"


def main() -> None:
    model = ScriptedModel()
    with (
        tempfile.TemporaryDirectory() as scratch,
        http_server(Settings(dataset="ml-100k").state_folder) as films,
        sync_playwright() as playwright,
    ):
        server = PageServer(MODELS, f"{model.url}/v1", f"{films.base}/mcp", Path(scratch), Path(scratch))
        for name, (size, colours, scale) in PICTURES.items():
            # Frames of other origins, as cards are, take their scale from the browser, and not from the page.
            options = [*BROWSER_OPTIONS, f"--force-device-scale-factor={scale}"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
            is_phone = name == "phone"
            page = browser.new_page(
                viewport=size, color_scheme=colours, device_scale_factor=scale, is_mobile=is_phone, has_touch=is_phone
            )
            page.goto(server.base)
            steps = (call(FILTER, {"genres": ["Comedy"]}), call(RECOMMEND, of_set(FILTER, user=98, k=3)), Say(best))
            ask(page, model, "Recommend 3 comedies to user 98", *steps)
            expect(cards(page).locator(".chips")).to_have_count(3)
            expect(page.get_by_role("button", name="Why these?")).to_be_visible()  # the cards have their places
            page.mouse.move(size["width"] - 5, 5)
            page.wait_for_timeout(1000)
            page.screenshot(path=DOCS / f"agent-{name}.png", animations="disabled")
            browser.close()
        server.close()
    model.close()


if __name__ == "__main__":
    main()
