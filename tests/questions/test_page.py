"""The page of a report, in Chromium."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_server.questions.grading import Verdict
from mcp_server.questions.page import make_page
from mcp_server.questions.report import GradingReport
from mcp_server.questions.truth import NumberTruth, Question
from recsys_shared.answers import Answer, Step

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '</script><img src="http://127.0.0.1:9/x" onerror="document.title=1">\u202e<b>bold</b> & "quoted"'


def _report(assistant: str, n_right: int, **given: object) -> GradingReport:
    verdicts = []
    for number in range(10):
        asked = ["How many?", f"And of kind {number}?"] if number == 9 else None
        question = Question(
            id=f"q-{number}",
            family="counting" if number < 5 else "history of\u202eitems",
            question=f"How many are of kind {number}?" if asked is None else None,
            turns=asked,
            truth=NumberTruth(values=[number]),
            calls=1,
        )
        step = Step(tool="item_filter_tool", arguments={"genres": [HOSTILE]}, error=HOSTILE)
        answer = Answer(
            id=question.id, answer=HOSTILE, by=assistant, steps=[step], calls=1, remarks=[HOSTILE], seconds=2.5, **given
        )
        verdicts.append(Verdict(question, answer, None if number < n_right else f"{number} was expected"))
    return GradingReport.of("shop", None, "file", verdicts)


@pytest.fixture(scope="module")
def browser_page() -> "Iterator[Page]":
    """A page that notes what it has fetched and what the browser has complained of; nothing of it is allowed."""
    if importlib.util.find_spec("playwright") is None or (chromium := shutil.which("chromium")) is None:
        pytest.skip("there is no Playwright, or no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        seen: list[str] = []
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        yield page
        assert [each for each in seen if not each.startswith("file:")] == []
        browser.close()


@pytest.fixture
def shown(browser_page: "Page", tmp_path: Path) -> "Page":
    reports = [
        _report("openai:large", 10, tokens_in=12_345, tokens_out=100, dollars=0.025),
        _report("<i>local</i>", 4),
    ]
    file = tmp_path / "report.html"
    file.write_text(make_page(reports), encoding="utf-8")
    browser_page.goto(file.as_uri())
    return browser_page


def test_figures_of_every_assistant_stand_side_by_side(shown: "Page") -> None:
    assert shown.title() == "10 questions about shop"
    summary, heat = shown.get_by_role("table").all()
    rows = [row.inner_text() for row in summary.get_by_role("row").all()]
    assert "openai:large" in rows[1]
    assert "100.0%" in rows[1]
    assert "10 of 10; 72–100%" in rows[1]
    assert "12,345" in rows[1]
    assert "$0.2500" in rows[1]
    assert "$25.00 per 1,000" in rows[1]
    assert "<i>local</i>" in rows[2]
    assert "4 of 10; 17–69%" in rows[2]
    families = [row.inner_text().split() for row in heat.get_by_role("row").all()]
    assert families[1] == ["counting", "100%", "5", "of", "5", "80%", "4", "of", "5"]


def test_wrong_answers_open_with_what_was_expected_and_done(shown: "Page") -> None:
    assert "openai:large: all 10 answers are right." in shown.inner_text("main")
    shown.locator("summary", has_text="6 wrong answers").click()
    shown.locator("summary", has_text="And of kind 9?").click()
    opened = shown.locator("details details[open]").inner_text()
    assert "9 was expected" in opened
    assert "How many?" in opened
    assert "item_filter_tool(genres=" in opened


def test_texts_of_strangers_stay_texts(shown: "Page") -> None:
    shown.locator("summary", has_text="6 wrong answers").click()
    shown.locator("summary", has_text="And of kind 9?").click()
    assert '<b>bold</b> & "quoted"' in shown.locator("details details[open]").inner_text()
    assert shown.locator("img, main b b").count() == 0
    assert "\u202e" not in shown.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_is_accessible(shown: "Page", scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown.set_viewport_size({"width": 390, "height": 800})
    shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for summary in shown.locator("summary").all()[:2]:
        summary.click()
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    violations = Axe().run(shown).response["violations"]
    assert [f"{each['id']}: {node['html']}" for each in violations for node in each["nodes"]] == []
