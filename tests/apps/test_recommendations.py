"""Recommendations as cards."""

from typing import Any

import pytest

from tests.apps.accessibility import problems
from tests.apps.conftest import Open
from tests.apps.hosted import CallTool, Hosted
from tests.names import ITEM, RECOMMEND

Movies = dict[int, dict[str, Any]]


def cards(hosted: Hosted) -> list[str]:
    """Their texts."""
    return [" ".join(card.split()) for card in hosted.frame.locator(".card:visible").all_inner_texts()]


def described(hosted: Hosted, number: int) -> None:
    """Wait until so many cards show what their items are."""
    hosted.frame.locator(".chips").nth(number - 1).wait_for()


def said(reason: dict[str, Any]) -> str:
    return f"{reason['title']} (rated {reason['rating']:g}, {reason['date']})"


def result_of(items: list[dict[str, Any]], message: str = "Some films.") -> dict[str, Any]:
    return {"content": [], "structuredContent": {"message": message, "items": items}}


def test_cards_show_what_the_catalogue_knows(films_page: Open, films_call: CallTool, movies: Movies) -> None:
    hosted = films_page("recommendations")
    result = hosted.show(RECOMMEND, user=98, k=6)
    described(hosted, 6)
    assert hosted.frame.locator("h1").inner_text() == "Recommended for viewer 98"
    assert result["message"] in hosted.frame.inner_text("header")
    for place, (card, item) in enumerate(zip(cards(hosted), result["items"], strict=True), start=1):
        movie = movies[item["item_id"]]
        assert card.startswith(f"{place} {movie['title']} {movie['year']}")
        assert all(genre in card for genre in movie["genres"])
        assert f"IMDb rating {movie['imdb_rating']:g} of 10" in card
        assert f"Fit {item['fit']:g}, rank {item['rank']}" in card


def test_a_bar_is_as_long_as_the_fit(films_page: Open) -> None:
    hosted = films_page("recommendations")
    fits = [item["fit"] for item in hosted.show(RECOMMEND, user=98, k=6, items=list(range(30, 40)))["items"]]
    assert max(fits) - min(fits) > 20
    bars = hosted.frame.locator(".standing .bar")
    shares = bars.evaluate_all(
        "(bars) => bars.map((bar) => bar.querySelector('.value').getBoundingClientRect().width / bar.clientWidth)"
    )
    assert shares == pytest.approx([fit / 100 for fit in fits], abs=0.01)


def test_several_viewers_are_named_with_what_each_likes(films_page: Open) -> None:
    hosted = films_page("recommendations")
    result = hosted.show(RECOMMEND, users=[98, 9], k=2, reasons=True)
    assert hosted.frame.locator("h1").inner_text() == "Recommended for viewers 98 and 9"
    for card, item in zip(cards(hosted), result["items"], strict=True):
        assert "Because of " + " ".join(f"{each['title']} ({each['liked_by']})" for each in item["because"]) in card


def test_reasons_that_came_with_the_answer_are_on_the_cards(films_page: Open) -> None:
    hosted = films_page("recommendations")
    result = hosted.show(RECOMMEND, user=98, k=3, reasons=True)
    for card, item in zip(cards(hosted), result["items"], strict=True):
        assert "Because of " + " ".join(map(said, item["because"])) in card
    assert hosted.frame.get_by_role("button", name="Show what speaks for each").count() == 0


def test_reasons_that_did_not_come_are_got_for_the_same_items(films_page: Open, films_call: CallTool) -> None:
    hosted = films_page("recommendations")
    shown = hosted.show(RECOMMEND, user=98, k=3)
    hosted.frame.get_by_role("button", name="Show what speaks for each").press("Enter")
    hosted.frame.locator(".because li").nth(8).wait_for()
    expected = films_call(RECOMMEND, {"user": 98, "k": 3, "reasons": True})["structuredContent"]["items"]
    assert [item["item_id"] for item in expected] == [item["item_id"] for item in shown["items"]]
    for card, item in zip(cards(hosted), expected, strict=True):
        assert "Because of " + " ".join(map(said, item["because"])) in card
    assert hosted.frame.evaluate("document.activeElement.matches('.card')")


def test_details_that_came_with_the_answer_are_not_asked_for_again(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, user=98, k=4, detail="full")
    described(hosted, 4)
    assert hosted.calls == []


def test_without_tools_and_messages_the_answer_alone_is_shown(films_page: Open) -> None:
    hosted = films_page("recommendations", capabilities={})
    result = hosted.show(RECOMMEND, user=98, k=4)
    assert [item["title"] in card for card, item in zip(cards(hosted), result["items"], strict=True)] == [True] * 4
    assert hosted.frame.get_by_role("button").count() == 0
    assert hosted.calls == []


def test_of_a_hundred_cards_twelve_are_shown_first(films_page: Open) -> None:
    hosted = films_page("recommendations")
    result = hosted.show(RECOMMEND, user=98, k=100)
    assert len(cards(hosted)) == 12
    hosted.frame.get_by_role("button", name="Show all 100 films").press("Enter")
    assert len(cards(hosted)) == 100
    assert hosted.frame.evaluate("document.activeElement.querySelector('h2').innerText").startswith(
        result["items"][12]["title"]
    )
    described(hosted, 100)
    asked = [item for name, arguments in hosted.calls if name == ITEM for item in arguments["items"]]
    assert set(asked) == {item["item_id"] for item in result["items"]}


def test_buttons_put_words_into_the_conversation(films_page: Open) -> None:
    hosted = films_page("recommendations")
    first = hosted.show(RECOMMEND, user=98, k=2)["items"][0]
    for label in ("More like this", "Why?"):
        button = hosted.frame.get_by_role("button", name=f"{label} ({first['title']})")
        button.focus()
        hosted.tab.keyboard.press("Enter")
    hosted.frame.get_by_role("button", name="Asked").nth(1).wait_for()
    named = f"{first['title']} (film {first['item_id']})"
    assert hosted.messages == [
        f"More films like {named}, for viewer 98.",
        f"Why is {named} recommended for viewer 98?",
    ]


def test_a_title_asks_about_its_film(films_page: Open) -> None:
    hosted = films_page("recommendations")
    first = hosted.show(RECOMMEND, user=98, k=2)["items"][0]
    hosted.frame.get_by_role("button", name=first["title"], exact=True).press("Enter")
    hosted.frame.get_by_text("Asked: Tell me about").wait_for()
    assert hosted.messages == [f"Tell me about {first['title']} (film {first['item_id']})."]


def test_a_host_that_does_not_take_the_words_is_not_hidden(films_page: Open) -> None:
    hosted = films_page("recommendations", messages_fail=True)
    hosted.show(RECOMMEND, user=98, k=1)
    hosted.frame.get_by_role("button", name="Why?").click()
    hosted.frame.get_by_role("button", name="Not asked").wait_for()
    assert "did not take" in hosted.frame.inner_text("#announcer")


def test_the_page_can_be_gone_through_by_the_tab_key(films_page: Open) -> None:
    hosted = films_page("recommendations")
    items = hosted.show(RECOMMEND, user=98, k=2)["items"]
    described(hosted, 2)
    hosted.frame.locator("h1").click()
    names = []
    for _ in range(7):
        hosted.tab.keyboard.press("Tab")
        names.append(hosted.frame.evaluate("document.activeElement.textContent"))
        assert hosted.frame.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert names == [
        "Show what speaks for each",
        *(
            name
            for item in items
            for name in (item["title"], f"More like this ({item['title']})", f"Why? ({item['title']})")
        ),
    ]


def test_someone_without_an_id(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, liked_items=[50, 181], k=2)
    assert hosted.frame.locator("h1").inner_text() == "Recommended for someone who likes 2 films"


def test_someone_of_whom_nothing_is_known(films_page: Open) -> None:
    hosted = films_page("recommendations")
    hosted.show(RECOMMEND, liked_items=[], k=2)
    assert hosted.frame.locator("h1").inner_text() == "Recommended for someone new"


def test_an_answer_without_items_says_why(films_page: Open, films_call: CallTool) -> None:
    seen = films_call("get_interacted_items_tool", {"user": 98, "k": 1})["structuredContent"]["items"][0]["item_id"]
    hosted = films_page("recommendations")
    result = hosted.show(RECOMMEND, user=98, items=[seen])
    assert result["items"] == []
    assert result["message"] in hosted.frame.inner_text("main")
    assert not cards(hosted)


def test_titles_are_text_and_may_be_long_or_missing(films_page: Open) -> None:
    nasty = "<img src=x onerror=\"document.title='hurt'\"><b>bold</b>"
    long = "A very long title that goes on and on " * 12
    hosted = films_page("recommendations", capabilities={"message": {}}, viewport=(320, 700))
    hosted.send_input({"user": 1})
    because = [{"item_id": 4, "title": nasty}, {"item_id": 5, "title": None}]
    items: list[dict[str, Any]] = [
        {"item_id": 1, "title": nasty, "rank": 1, "fit": 100, "because": because},
        {"item_id": 2, "title": long, "rank": 2, "fit": 50},
        {"item_id": 3, "title": None},
    ]
    hosted.send_result(result_of(items, nasty))
    hosted.frame.locator(".card").nth(2).wait_for()
    shown = cards(hosted)
    assert shown[0].startswith(f"1 {nasty} Because of {nasty} Untitled film 5")
    assert shown[2].startswith("3 Untitled film 3")
    assert nasty in hosted.frame.inner_text("header")
    assert hosted.frame.locator("main img, main b").count() == 0
    assert hosted.frame.title() == "Recommended films"
    assert hosted.frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert hosted.frame.get_attribute("#card-1", "title") == long


@pytest.mark.parametrize(("theme", "width"), [("dark", 320), ("light", 1280)])
def test_axe_finds_nothing_and_nothing_is_cut_off(films_page: Open, theme: str, width: int) -> None:
    hosted = films_page("recommendations", context={"theme": theme}, viewport=(width, 800))
    hosted.show(RECOMMEND, user=98, k=14, reasons=True)
    described(hosted, 12)
    assert problems(hosted) == []
    assert hosted.frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
