"""The page as a person uses it."""

import csv
import re
import socket
import threading
from collections import Counter
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from mcp_server.settings import Settings
from tests.agent.conversations.films import of_items, of_set, table
from tests.agent.scripted_models import Hang, Reading, Refuse, Say, ScriptedModel, Step, call
from tests.agent_web.conftest import MODELS
from tests.agent_web.serving import PageServer
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, STATISTICS

FOR_USER_9 = (
    call(FILTER, {"actors": ["Tom Cruise"]}, "I look up films with Tom Cruise, then rank them for user 9."),
    call(RECOMMEND, of_set(FILTER, user=9, k=3)),
    Say(table(RECOMMEND)),
)

QUESTION = "A Tom Cruise film for user 9"

on_both = pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
on_phone = pytest.mark.parametrize("page", ["phone"], indirect=True)


def ask(page: Page, model: ScriptedModel, question: str, *steps: Step) -> None:
    """Ask, and wait for the end of the answer."""
    model.play(*steps)
    begin_to_ask(page, question)
    while model.n_steps_left:
        page.wait_for_timeout(50)
    expect(page.locator("#stop-button")).to_be_hidden()
    expect(page).to_have_url(re.compile("/thread/"))  # or it would not be this conversation that is loaded again


def begin_to_ask(page: Page, question: str) -> None:
    page.locator("#chat-input").fill(question)
    while page.locator("#chat-input").input_value():  # not taken while the page is still being set up
        expect(page.locator("#chat-submit")).to_be_enabled()
        page.locator("#chat-input").press("Enter")
    expect(page.locator("[data-step-type=user_message]").last).to_have_text(question)


TITLES = {FILTER: "Filter films", RECOMMEND: "Recommend films", POPULAR: "Popular films"}


def step(page: Page, tool: str) -> Locator:
    """The line of a tool call."""
    return page.get_by_role("button", name=re.compile(rf"^{TITLES[tool]}: .*\(\d"))


def listing(page: Page) -> Locator:
    """Lists that the page draws itself."""
    return page.locator("figure.listing")


def frames(page: Page) -> Locator:
    """The server's own pages."""
    return page.locator("iframe.card-frame")


def cards(page: Page) -> Locator:
    """The cards in the last of them."""
    return frames(page).last.content_frame.locator(".cards > li")


def expect_answer(page: Page) -> None:
    """To the question for user 9."""
    expect(page.get_by_text("I look up films with Tom Cruise")).to_be_visible()
    expect(step(page, FILTER)).to_be_visible()
    expect(cards(page)).to_have_count(3)
    expect(page.get_by_text("Shall I explain these?")).to_be_visible()


def test_an_answer_has_its_plan_its_steps_and_cards_beside_the_prose(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    expect_answer(page)
    expect(frames(page)).to_have_count(1)
    top = model.readings[-1].last(RECOMMEND)["items"]
    for place, item in enumerate(top):
        expect(cards(page).nth(place)).to_contain_text(item["title"])


@on_both
def test_steps_open_by_keyboard_and_show_arguments_and_result(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    found = model.readings[-1].last(FILTER)
    opened = step(page, FILTER)
    expect(page.get_by_text('"item_set"')).to_be_hidden()
    opened.focus()
    page.keyboard.press("Enter")
    inside = page.locator("[data-step-type=tool]").filter(has=opened)
    expect(inside.get_by_text('"actors"')).to_be_visible()
    expect(inside.get_by_text('"Tom Cruise"').first).to_be_visible()
    expect(inside.get_by_text(f'"{found["item_set"]}"')).to_be_visible()


@on_both
def test_a_conversation_survives_a_reload_and_goes_on(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    expect_answer(page)
    page.reload()
    expect_answer(page)
    step(page, RECOMMEND).click()
    expect(page.get_by_text('"exclude_seen"').or_(page.get_by_text('"user"')).first).to_be_visible()
    ask(page, model, "Why?", Say("Because of what viewer 9 rated before."))
    expect(page.get_by_text("Because of what viewer 9 rated before.")).to_be_visible()
    assert model.readings[-1].questions == [QUESTION, "Why?"]
    assert [exchange.tool for exchange in model.readings[-1].exchanges] == [FILTER, RECOMMEND]


def test_a_conversation_survives_a_restart_of_the_page_server(
    browser: Browser, model: ScriptedModel, films_url: str, tmp_path: Path
) -> None:
    state, folder = tmp_path / "state", tmp_path / "folder"
    folder.mkdir()
    first = PageServer(MODELS, f"{model.url}/v1", films_url, state, folder)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(first.base)
        ask(page, model, QUESTION, *FOR_USER_9)
        port = first.port
        assert first.end() == 0
        again = PageServer(MODELS, f"{model.url}/v1", films_url, state, folder, port)
        try:
            page.reload()
            expect_answer(page)
            ask(page, model, "Why?", Say("Because."))
            assert model.readings[-1].questions == [QUESTION, "Why?"]
        finally:
            again.close()
    finally:
        context.close()
        first.close()
    assert list(folder.iterdir()) == []


def test_an_answer_goes_on_while_the_page_is_reloaded(page: Page, model: ScriptedModel) -> None:
    go_on = threading.Event()

    def late(_: Reading) -> str:
        assert go_on.wait(20)
        return "It took a while."

    model.play(call(POPULAR, {"k": 3}), Say(late))
    begin_to_ask(page, "What is popular?")
    expect(step(page, POPULAR)).to_be_visible()
    page.reload()
    expect(step(page, POPULAR)).to_be_visible()
    expect(page.locator("#stop-button")).to_be_visible()
    go_on.set()
    expect(page.get_by_text("It took a while.")).to_be_visible()
    expect(page.locator("#stop-button")).to_be_hidden()


def test_a_conversation_is_loaded_by_the_connection_that_names_it(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Are you there?", Say("I am here."))
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/set-session-cookie", hold_the_first)  # where Chainlit asks for it before each of its two connections
    page.reload()
    expect(page.get_by_text("I am here.")).to_be_visible()
    for late in held[:1]:
        late.continue_()
    page.wait_for_timeout(500)
    ask(page, model, "Really?", Say("Really."))
    assert model.readings[-1].questions == ["Are you there?", "Really?"]


def test_a_question_can_be_edited_and_what_came_after_it_is_forgotten(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    ask(page, model, "Why?", Say("Because of what viewer 9 rated before."))
    question = page.locator("[data-step-type=user_message]").first
    question.get_by_role("button", name="Edit the question").press("Enter")
    page.locator("#edit-chat-input").fill("Are you there?")
    model.play(Say("I am here."))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("I am here.")).to_be_visible()
    assert model.readings[-1].questions == ["Are you there?"]
    assert model.readings[-1].exchanges == []
    for _ in range(2):
        expect(page.get_by_text("I am here.")).to_be_visible()
        expect(page.locator("[data-step-type=user_message]")).to_have_text(["Are you there?"])
        expect(listing(page)).to_have_count(0)
        expect(page.locator("[data-step-type=tool]")).to_have_count(0)
        page.reload()
    ask(page, model, "Really?", Say("Really."))
    assert model.readings[-1].questions == ["Are you there?", "Really?"]


def test_a_question_can_be_asked_again_and_of_another_model(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Are you there?", Say("I am here."))
    ask(page, model, "Really?", Say("Perhaps."))
    expect(page.get_by_role("button", name="Try again")).to_have_count(1)
    page.get_by_role("button", name="Model").click()
    with page.expect_response(re.compile("/project/action")):
        page.get_by_text("second", exact=True).click()
    model.play(Say("Certainly."))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(page.get_by_text("Perhaps.")).to_have_count(0)
    assert model.readings[-1].body["model"] == "second"
    assert model.readings[-1].questions == ["Are you there?", "Really?"]
    assert model.readings[-1].answers == ["I am here."]
    page.reload()
    expect(page.get_by_text("Certainly.")).to_be_visible()
    expect(page.get_by_text("Perhaps.")).to_have_count(0)
    expect(page.get_by_title("The model that answered")).to_have_text(["first", "second"])


def test_an_answer_that_is_asked_for_again_can_be_stopped(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Are you there?", Refuse(401, "Incorrect API key provided"))
    model.play(Hang("Once upon a time"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Once upon a time")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stop-button")).to_be_hidden()
    model.play(Say("I am here."))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("I am here.")).to_be_visible()
    expect(page.get_by_text("Once upon a time")).to_have_count(0)


@on_both
def test_what_to_ask_next_is_offered_below_the_last_answer(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    first = model.readings[-1].last(RECOMMEND)["items"][0]
    page.reload()
    model.play(Say("They are alike."))
    page.get_by_role("button", name=f"More like {first['title']}").click()
    expect(page.get_by_text("They are alike.")).to_be_visible()
    assert model.readings[-1].questions == [QUESTION, f"More like {first['title']} (ID {first['item_id']})"]
    expect(page.get_by_role("button", name="Why these?")).to_have_count(0)


def test_a_card_out_of_view_has_its_height_before_what_is_below_it_can_be_pressed(
    page: Page, model: ScriptedModel
) -> None:
    ask(page, model, QUESTION, *FOR_USER_9[:2], Say("\n\n".join(f"Chapter {number}" for number in range(80))))
    expect(page.get_by_role("button", name="Why these?")).to_be_visible()
    height = frames(page).evaluate("frame => frame.clientHeight")
    frames(page).scroll_into_view_if_needed()
    expect(cards(page)).to_have_count(3)
    page.wait_for_timeout(500)
    assert frames(page).evaluate("frame => frame.clientHeight") == height


def test_reasons_that_are_there_are_not_asked_for(page: Page, model: ScriptedModel) -> None:
    because = (call(RECOMMEND, {"user": 9, "k": 3, "reasons": True}), Say("Here they are, with reasons."))
    ask(page, model, "Three films for user 9, and why", *because)
    assert model.readings[-1].last(RECOMMEND)["items"][0]["because"]
    expect(page.get_by_role("button", name=re.compile("^More like "))).to_be_visible()
    expect(page.get_by_role("button", name="Why these?")).to_have_count(0)


def test_a_kind_that_some_of_the_listed_share_can_be_left_out(page: Page, model: ScriptedModel) -> None:
    steps = (
        call(RECOMMEND, {"user": 9, "k": 5}),
        call(ITEM, of_items(RECOMMEND, get=["genres"])),
        Say("Here they are."),
    )
    ask(page, model, "Five films for user 9", *steps)
    counts = Counter(genre for item in model.readings[-1].last(ITEM)["items"] for genre in item["genres"])
    most = max(count for count in counts.values() if 1 < count < 5)
    button = page.get_by_role("button", name=re.compile("^Without "))
    expect(button).to_have_text(re.compile("|".join(f"^Without {genre}$" for genre in counts if counts[genre] == most)))
    genre = button.inner_text().removeprefix("Without ")
    model.play(Say("Others, then."))
    button.click()
    expect(page.get_by_text("Others, then.")).to_be_visible()
    assert model.readings[-1].questions[-1] == f"The same without {genre}"


def test_a_list_and_a_conversation_can_be_saved_and_an_answer_copied(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    top = model.readings[-1].last(RECOMMEND)["items"]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["item_id"], row["title"]) for row in rows] == [(str(item["item_id"]), item["title"]) for item in top]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save conversation").click()
    written = saved.value.path().read_text(encoding="utf-8")
    assert written.startswith(f"## {QUESTION}\n")
    assert f"`{FILTER}(actors=['Tom Cruise'])`" in written
    assert top[0]["title"] in written
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    line = f"1. {top[0]['title']} (ID {top[0]['item_id']})"
    page.wait_for_function("async (line) => (await navigator.clipboard.readText()).includes(line)", arg=line)
    assert "Shall I explain these?" in page.evaluate("navigator.clipboard.readText()")


@on_both
def test_a_long_answer_leaves_its_question_in_view(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Are you there?", Say("I am here."))
    ask(page, model, "Tell me everything", Say("\n\n".join(f"Chapter {number}" for number in range(80))))
    page.wait_for_timeout(1000)
    expect(page.get_by_text("Tell me everything")).to_be_in_viewport()
    expect(page.get_by_text("Chapter 79")).not_to_be_in_viewport()
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_text("Chapter 79")).to_be_in_viewport()


def test_earlier_conversations_are_listed_and_can_be_deleted(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Are you there?", Say("I am here."))
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_text("I am here.")).to_be_hidden()
    entry = page.locator("#thread-history").get_by_text("Are you there?")
    entry.click()
    expect(page.get_by_text("I am here.")).to_be_visible()
    entry.hover()
    page.locator("#thread-options").first.click()
    page.locator("#delete-thread").click()
    page.get_by_role("button", name="Confirm").click()
    expect(entry).to_be_hidden()
    page.reload()
    expect(page.get_by_text("I am here.")).to_be_hidden()


def test_another_browser_sees_nothing_of_a_conversation(
    page: Page, model: ScriptedModel, browser: Browser, server: PageServer
) -> None:
    ask(page, model, "Is this private?", Say("Between the two of us."))
    expect(page).to_have_url(re.compile("/thread/"))
    context = browser.new_context()
    other = context.new_page()
    other.goto(page.url)
    expect(other.locator("#chat-input")).to_be_visible()
    expect(other.get_by_text("Between the two of us.")).to_be_hidden()
    expect(other.get_by_text("Is this private?")).to_be_hidden()
    context.close()


def test_names_that_no_tool_returned_are_warned_of(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Something sad?", Say("- **The Weeping of Mr. Nobody** (ID 99999)"))
    warning = page.get_by_role("note")
    expect(warning).to_contain_text("differs from what the tools returned")
    expect(warning).to_contain_text("The Weeping of Mr. Nobody")
    page.reload()
    expect(warning).to_contain_text("The Weeping of Mr. Nobody")


@pytest.mark.parametrize("begin", ["<think>", ""], ids=["begin and end", "the end only"])
def test_thoughts_are_folded_away(page: Page, model: ScriptedModel, begin: str) -> None:
    ask(page, model, "Are you there?", Say(f"{begin}Somebody asks for me.</think>I am here."))
    for _ in range(2):
        thoughts = page.get_by_role("button", name="Thoughts (4 words)")
        expect(thoughts).to_be_visible()
        expect(page.get_by_text("I am here.")).to_be_visible()
        expect(page.get_by_text("Somebody asks for me.")).to_have_count(0)
        thoughts.click()
        expect(page.get_by_text("Somebody asks for me.")).to_be_visible()
        page.reload()


def test_an_answer_that_was_cut_has_a_note(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Tell me everything", Say("Once upon a", end="length"))
    expect(page.locator(".notes")).to_contain_text("cut")
    page.reload()
    expect(page.locator(".notes")).to_contain_text("cut")


def test_a_supported_answer_has_no_warning(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    expect_answer(page)
    expect(page.get_by_role("note")).to_have_count(0)


def test_an_error_of_the_model_is_one_message_after_which_one_can_ask_again(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Hello?", Refuse(401, "Incorrect API key provided"))
    expect(page.get_by_text("does not accept the key")).to_have_count(1)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    ask(page, model, "And now?", Say("Now it works."))
    expect(page.get_by_text("Now it works.")).to_be_visible()


def test_a_word_after_a_colon_is_shown(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Hello?", Refuse(500, "Out of memory"), Refuse(500, "Out of memory"), Refuse(500, "Out of memory"))
    expect(page.get_by_text("openai:\u2060first at")).to_be_visible()
    # The endpoint sends twelve characters at a time, so that the first colon ends a piece.
    ask(page, model, "And now?", Say("12345678901:Impossible, genre:Crime, 3:1, https://example.org/a:b"))
    expect(page.get_by_text("12345678901:\u2060Impossible, genre:\u2060Crime, 3:1,")).to_be_visible()
    expect(page.get_by_role("link", name="https://example.org")).to_have_attribute("href", "https://example.org/a:b")


def test_a_failed_call_is_shown_as_such(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "For user 5000", call(RECOMMEND, {"user": 5000}), Say("There is no such viewer."))
    step(page, RECOMMEND).click()
    expect(page.get_by_text("5000 is not in ml-100k").first).to_be_visible()
    expect(frames(page).or_(listing(page))).to_have_count(0)


def test_an_answer_can_be_stopped_and_the_conversation_goes_on(page: Page, model: ScriptedModel) -> None:
    model.play(Hang("Once upon a time"))
    begin_to_ask(page, "Tell me everything")
    expect(page.get_by_text("Once upon a time")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stop-button")).to_be_hidden()
    for _ in range(2):
        expect(page.get_by_text("Once upon a time")).to_be_visible()
        expect(page.get_by_text("(stopped)")).to_be_visible()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.locator("[data-step-type=assistant_message]")).to_have_count(2)
        page.reload()
    ask(page, model, "Shorter, please", Say("The end."))
    expect(page.get_by_text("The end.")).to_be_visible()


def test_the_model_can_be_chosen_and_stays_chosen(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Who are you?", Say("The one or the other."))
    assert model.readings[-1].body["model"] == "first"
    page.get_by_role("button", name="Model").click()
    page.get_by_text("second", exact=True).click()
    ask(page, model, "And now?", Say("The other."))
    assert model.readings[-1].body["model"] == "second"
    assert model.readings[-1].questions == ["Who are you?", "And now?"]
    page.reload()
    expect(page.get_by_role("button", name="Model")).to_have_text("second")


def test_starters_are_whole_questions_about_things_that_there_are(page: Page, model: ScriptedModel) -> None:
    model.play(call(RECOMMEND, {"user": 1, "k": 5}), Say(table(RECOMMEND)))
    starters = page.locator("#starters").get_by_role("button")
    expect(starters).to_have_count(5)
    expect(starters.filter(has_text="Star Wars")).to_have_text('Which 5 films are most like "Star Wars"?')
    starters.filter(has_text="Recommend 5 films to viewer 1.").click()
    expect(cards(page)).to_have_count(5)
    assert model.readings[-1].questions == ["Recommend 5 films to viewer 1."]


def test_counts_of_several_kinds_are_compared_in_a_chart(page: Page, model: ScriptedModel) -> None:
    ask(page, model, "Which kind engages most?", call(STATISTICS, {"group_by": ["genres"]}), Say("Below."))
    groups = model.readings[-1].last(STATISTICS)["rows"]
    lines = listing(page).locator("li")
    expect(lines).to_have_count(6)  # until more are asked for
    expect(lines.first).to_contain_text(groups[0]["group"]["genres"])
    widths = [line.locator(".listing-bar > span").bounding_box() for line in lines.all()[:2]]
    assert widths[0] is not None
    assert widths[1] is not None
    assert widths[0]["width"] > widths[1]["width"] > 0


@on_both
def test_the_end_of_an_answer_is_the_end_of_the_page(page: Page, model: ScriptedModel) -> None:
    history = (call(HISTORY, {"user": 90, "k": 5}), Say("The newest ratings are below."))
    for question, steps in ((QUESTION, FOR_USER_9), ("History of user 90", history)):
        ask(page, model, question, *steps)
        last = frames(page).last.content_frame.locator("main li:visible").last
        expect(last).to_be_visible()
        assert page.viewport_size is not None
        page.mouse.move(0.6 * page.viewport_size["width"], 300)  # over the conversation, not over the list of them
        for _ in range(10):  # the page grows while the cards in it are drawn
            page.mouse.wheel(0, 5000)
            page.wait_for_timeout(200)
        expect(last).to_be_in_viewport()


@on_phone
def test_nothing_is_wider_than_a_phone(page: Page, model: ScriptedModel) -> None:
    starters = page.locator("#starters").get_by_role("button")
    expect(starters).to_have_count(5)
    for box in (each.bounding_box() for each in starters.all()):
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390
    ask(page, model, QUESTION, *FOR_USER_9)
    step(page, FILTER).click()
    step(page, RECOMMEND).click()
    expect_answer(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(cards(page).locator(".chips")).to_have_count(3)
    for box in (each.bounding_box() for each in (*frames(page).all(), *cards(page).all())):
        assert box is not None
        assert box["x"] + box["width"] <= 390


@on_both
def test_all_buttons_have_names(page: Page, model: ScriptedModel) -> None:
    ask(page, model, QUESTION, *FOR_USER_9)
    expect_answer(page)
    for button in page.get_by_role("button").all():
        snapshot = button.aria_snapshot()
        assert re.match(r"""- '?button "[^"]""", snapshot), button.evaluate("element => element.outerHTML")


def test_colours_follow_the_system(browser: Browser, server: PageServer) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme) as context:
            page = context.new_page()
            page.goto(server.base)
            expect(page.locator("#chat-input")).to_be_visible()
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness[scheme] = sum(map(int, re.findall(r"\d+", colour)[:3]))
    assert brightness["light"] > 700
    assert brightness["dark"] < 150


def test_the_page_may_load_nothing_from_elsewhere(page: Page, server: PageServer) -> None:
    answer = page.request.get(server.base, headers={"Accept": "text/html"})
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert not re.search(r'(?:href|src)="https?://', answer.text())


def test_other_names_for_this_machine_are_refused(page: Page, server: PageServer) -> None:
    assert page.request.get(server.base, headers={"Host": "somewhere.example"}).status == 400


def test_a_page_for_others_asks_for_its_password(
    browser: Browser, model: ScriptedModel, films_url: str, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("a rather long password\n", encoding="utf-8")
    secret.chmod(0o600)
    options = ("--host", "0.0.0.0", "--password-file", secret)
    server = PageServer(MODELS, f"{model.url}/v1", films_url, tmp_path, tmp_path, more=options)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(server.here)
        expect(page.locator("#password")).to_be_focused()
        assert page.request.get(f"{server.here}/project/settings").status == 401
        page.keyboard.type("another long password")
        page.keyboard.press("Enter")
        expect(page.get_by_text("This is not the password")).to_be_visible()
        page.locator("#password").fill("a rather long password")
        page.keyboard.press("Enter")
        ask(page, model, "Are you there?", Say("I am here."))
        page.reload()
        expect(page.get_by_text("I am here.")).to_be_visible()
        port = server.port
        assert server.end() == 0
        secret.write_text("a rather new password\n", encoding="utf-8")
        again = PageServer(MODELS, f"{model.url}/v1", films_url, tmp_path, tmp_path, port, options)
        try:
            page.goto(again.here)
            page.locator("#password").fill("a rather new password")
            page.keyboard.press("Enter")
            page.locator("#thread-history").get_by_text("Are you there?").click()
            expect(page.get_by_text("I am here.")).to_be_visible()
        finally:
            again.close()
    finally:
        context.close()
        server.close()


def test_a_page_for_others_without_a_password_is_refused(model: ScriptedModel, films_url: str, tmp_path: Path) -> None:
    server = PageServer(MODELS, f"{model.url}/v1", films_url, tmp_path, tmp_path, more=("--host", "0.0.0.0"))
    assert server.wait() == 2
    server.close()
    assert server.log == [
        "recsys-agent: --host 0.0.0.0 lets others reach the page: "
        "give --password-file FILE with the password it is to ask for"
    ]


def test_nothing_is_written_where_the_page_is_started(page: Page, started_in: Path) -> None:
    assert list(started_in.iterdir()) == []


def test_all_pages_share_one_server_that_ends_with_the_program(
    browser: Browser, model: ScriptedModel, films_settings: Settings, tmp_path: Path
) -> None:
    own = PageServer(MODELS, f"{model.url}/v1", None, tmp_path, tmp_path, RECSYS_STATE=str(films_settings.state_folder))
    contexts = [browser.new_context() for _ in range(2)]
    try:
        for context in contexts:
            page = context.new_page()
            page.goto(own.base)
            ask(page, model, QUESTION, *FOR_USER_9)
            expect_answer(page)
            started = psutil.Process(own.process.pid).children()
            assert len(started) == 1
        assert own.end() == 0
        _, alive = psutil.wait_procs(started, timeout=20)
        assert alive == []
    finally:
        for context in contexts:
            context.close()
        own.close()


def test_a_port_in_use_is_one_clear_line(model: ScriptedModel, films_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = PageServer(MODELS, f"{model.url}/v1", films_url, tmp_path, tmp_path, port)
        assert server.wait() == 2
        server.close()
    assert server.log == [f"recsys-agent: cannot listen on 127.0.0.1, port {port}: Address already in use"]


def test_an_unreachable_mcp_server_is_one_clear_line(model: ScriptedModel, tmp_path: Path) -> None:
    server = PageServer(MODELS, f"{model.url}/v1", "http://127.0.0.1:9/mcp", tmp_path, tmp_path)
    assert server.wait() == 2
    server.close()
    assert len(server.log) == 1
    assert "the server at http://127.0.0.1:9/mcp cannot be used" in server.log[0]
