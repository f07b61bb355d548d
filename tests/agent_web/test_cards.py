"""Servers' own pages (MCP Apps) in the page, their actions, and what they may not do; lists of other servers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from tests.agent.scripted_models import Say, ScriptedModel, call
from tests.agent_web.conftest import DESKTOP, MODELS
from tests.agent_web.foreign_server import PICTURES
from tests.agent_web.serving import PageServer
from tests.agent_web.test_page import ask, cards, frames, listing
from tests.names import HISTORY, ITEM, RECOMMEND
from tests.pictures import DOT
from tests.running_servers import Program

FOR_98 = (call(RECOMMEND, {"user": 98, "k": 3}), Say("Three films for viewer 98."))


@pytest.fixture
def lamps_page(browser: Browser, model: ScriptedModel, tmp_path: Path) -> Iterator[Page]:
    """A page over a server that is not ours. Nothing is asked of any other address."""
    lamps = Program(["tests.agent_web.foreign_server"], "stdout", re.compile(r"lamps: (http://\S+)"), {})
    server = PageServer(MODELS, f"{model.url}/v1", lamps.base, tmp_path, tmp_path)
    context = browser.new_context(viewport=DESKTOP)
    elsewhere: list[str] = []

    def refuse(route: Route) -> None:
        elsewhere.append(route.request.url)
        route.abort()

    context.route("http://127.0.0.1:9/**", refuse)
    context.route(f"{PICTURES}/*", lambda route: route.fulfill(body=DOT, content_type="image/png"))
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(server.base)
    yield page
    context.close()
    server.close()
    lamps.close()
    assert elsewhere == []


def frame(page: Page) -> FrameLocator:
    """The last page of a server, in view. While it settles out of view it is drawn where nobody can press it."""
    expect(frames(page)).not_to_have_count(0)
    expect(page.locator("[data-settling]")).to_have_count(0)
    frames(page).last.scroll_into_view_if_needed()
    return frames(page).last.content_frame


def test_recommendations_are_the_servers_own_cards_with_details_and_reasons(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    expect(frame(page).locator("h1")).to_have_text("Recommended for viewer 98")
    expect(cards(page)).to_have_count(3)
    expect(cards(page).locator(".chips")).to_have_count(3)  # asked of the server by the card
    frame(page).get_by_role("button", name="Show what speaks for each").click()
    expect(cards(page).first).to_contain_text("Because of")
    expect(listing(page)).to_have_count(0)


def test_cards_stay_as_they_are_while_the_conversation_goes_on(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    frame(page).get_by_role("button", name="Show what speaks for each").click()
    expect(cards(page).first).to_contain_text("Because of")
    ask(page, model, "Thank you", Say("You are welcome."))
    expect(page.get_by_text("You are welcome.")).to_be_visible()
    expect(cards(page).first).to_contain_text("Because of")


def test_cards_are_as_tall_as_what_is_in_them(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    expect(cards(page).locator(".chips")).to_have_count(3)
    page.wait_for_timeout(300)
    inside = frame(page).locator("html").evaluate("(root) => [root.scrollHeight, window.innerHeight]")
    assert inside[0] <= inside[1]


def test_buttons_and_titles_of_cards_ask_in_the_conversation(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    top = model.readings[-1].last(RECOMMEND)["items"][0]
    film = f"{top['title']} (film {top['item_id']})"
    for button, question in (
        ("Why?", f"Why is {film} recommended for viewer 98?"),
        (top["title"], f"Tell me about {film}."),
    ):
        model.play(Say("It suits viewer 98."))
        card = frame(page).locator(".cards > li").first
        card.get_by_role("button", name=re.compile("^" + re.escape(button))).click()
        expect(page.locator("[data-step-type=user_message]").last).to_have_text(question)
        while model.n_steps_left:
            page.wait_for_timeout(50)
        expect(page.locator("#stop-button")).to_be_hidden()
        assert model.readings[-1].questions[-1] == question


def test_cards_are_there_again_after_a_reload(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    expect(cards(page).locator(".chips")).to_have_count(3)
    page.reload()
    expect(cards(page)).to_have_count(3)
    expect(cards(page).locator(".chips")).to_have_count(3)
    expect(page.locator("#thread-history")).to_contain_text("Three films for 98")


def test_cards_follow_the_colours_of_the_page(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Three films for 98", *FOR_98)
    body = frame(page).locator("body")
    expect(body).to_have_css("background-color", "rgb(255, 255, 255)")
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("menuitem", name="Dark").click()
    expect(body).not_to_have_css("background-color", "rgb(255, 255, 255)")


def test_where_the_page_of_a_server_is_gone_its_list_is_drawn(page: Page, model: ScriptedModel) -> None:
    page.route("**/public/cards/*", lambda route: route.fulfill(status=404))
    ask(page, model, "Three films for 98", *FOR_98)
    expect(listing(page).locator("li")).to_have_count(3)
    top = model.readings[-1].last(RECOMMEND)["items"][0]
    model.play(Say("A film."))
    listing(page).get_by_role("button", name=top["title"]).click()
    question = f"Tell me about {top['title']} (ID {top['item_id']})."
    expect(page.locator("[data-step-type=user_message]").last).to_have_text(question)


def test_what_is_below_a_card_waits_until_it_has_grown(page: Page, model: ScriptedModel) -> None:
    held: list[Route] = []
    page.route("**/public/cards/*", lambda route: held.append(route))
    ask(page, model, "Three films for 98", *FOR_98)
    below = page.locator(".follow-ups")
    expect(below).to_have_count(1)
    expect(below).to_be_hidden()
    held[0].continue_()
    expect(below).to_be_visible()
    expect(cards(page)).to_have_count(3)


def test_a_history_is_the_servers_page_of_a_taste(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "History of 90", call(HISTORY, {"user": 90, "k": 5}), Say("They are below."))
    expect(frame(page).locator("h1")).to_have_text("Taste of viewer 90")


def test_numbers_of_lists_have_the_servers_labels_and_units(page: Page, model: ScriptedModel) -> None:
    fields = ["imdb_rating", "duration", "mean_rating"]
    ask(page, model, "About Fargo", call(ITEM, {"items": [100], "get": fields}), Say("Fargo."))
    line = listing(page).locator("li")
    expect(listing(page).locator("figcaption")).to_contain_text("IMDb rating")
    expect(line).to_contain_text("8.1 of 10")
    expect(line).to_contain_text("Duration 98 minutes")
    expect(line).to_contain_text("Mean rating 4.16 of 5")
    expect(page.get_by_role("button", name=re.compile("^About films: items 100, get IMDb rating"))).to_be_visible()


def test_a_page_of_a_server_gets_the_result_and_nothing_beyond_its_frame(
    lamps_page: Page, model: ScriptedModel
) -> None:
    ask(lamps_page, model, "Show lamps", call("show", {}), Say("Blue Lamp."))
    inside = frame(lamps_page).locator("body")
    expect(inside.locator("p").last).to_have_text("all tried")
    told = dict(line.split(": ", 1) for line in inside.inner_text().splitlines() if ": " in line)
    assert told["result"] == "Blue Lamp"
    assert told["reading"] == '"done"'
    assert told["changing"] == '"refused"'
    assert told["speaking"] == '"refused"'
    assert told["link"] == '"refused"'
    assert told["unknown"] == '"refused: there is no ui/anything"'
    assert {told[name] for name in ("elsewhere", "other picture", "page", "cookie")} == {"stopped"}
    assert told["picture"] == '"loaded"'
    frame(lamps_page).get_by_role("button", name="Go").click()
    lamps_page.wait_for_timeout(500)  # the fixture looks at what was asked for


def test_numbers_over_time_stand_where_their_days_are(lamps_page: Page, model: ScriptedModel) -> None:
    ask(lamps_page, model, "Sales", call("sales", {}), Say("Below."))
    chart = lamps_page.get_by_role("img", name="Sales from 2024-01-01 to 2024-12-31: 5, 3, 7")
    expect(chart.locator("circle")).to_have_count(3)
    places = [float(dot.get_attribute("cx").rstrip("%")) for dot in chart.locator("circle").all()]
    assert places == pytest.approx([1, 1 + 98 / 365, 99])
    expect(frames(lamps_page)).to_have_count(0)
