"""Popular items, and groups side by side."""

from collections import Counter
from typing import Any

import pytest

from tests.apps.accessibility import problems
from tests.apps.conftest import Open
from tests.apps.hosted import CallTool, Hosted, Wire
from tests.conftest import Rating
from tests.names import FILTER, POPULAR

Viewers = dict[int, dict[str, Any]]


def rows(hosted: Hosted, caption: str) -> list[tuple[str, int]]:
    """Titles and numbers of a list."""
    found = hosted.frame.get_by_role("table", name=caption).locator("tbody tr")
    cells = found.evaluate_all(
        "(rows) => rows.map((row) => [row.querySelector('.title').firstChild.textContent, row.cells[2].textContent])"
    )
    return [(title, int(number)) for title, number in cells]


def compare(hosted: Hosted, group: str) -> None:
    hosted.frame.get_by_role("radio", name=group, exact=True).check()
    hosted.frame.get_by_text("in both lists").wait_for()


def listed(result: Wire) -> list[tuple[str, int]]:
    return [(item["title"], item["n_interactions"]) for item in result["items"]]


def test_bars_are_the_numbers_of_ratings(films_page: Open, ratings: list[Rating]) -> None:
    hosted = films_page("popularity")
    result = hosted.show(POPULAR, k=10)
    counts = Counter(rating.item for rating in ratings)
    assert [item["n_interactions"] for item in result["items"]] == [counts[item["item_id"]] for item in result["items"]]
    assert rows(hosted, "All viewers") == listed(result)
    shares = hosted.frame.locator(".bar").evaluate_all(
        "(bars) => bars.map((bar) => bar.querySelector('.value').getBoundingClientRect().width / bar.clientWidth)"
    )
    most = result["items"][0]["n_interactions"]
    assert shares == pytest.approx([item["n_interactions"] / most for item in result["items"]], abs=0.01)
    assert result["message"] in hosted.frame.inner_text("header")


def test_what_does_not_stand_out_is_marked_and_the_time_is_said(films_page: Open) -> None:
    hosted = films_page("popularity")
    result = hosted.show(POPULAR, items=[50, 181, 1, 2, 3, 4, 5, 6], since="1998", k=8)
    below = [item["title"] for item in result["items"] if not item["stands_out"]]
    assert 0 < len(below) < len(result["items"])
    assert hosted.frame.get_by_role("table", name="All viewers, since 1998").count() == 1
    marked = hosted.frame.locator("tr.below .title").evaluate_all(
        "(titles) => titles.map((t) => t.firstChild.textContent)"
    )
    assert marked == below


def test_another_group_is_put_beside_and_says_what_differs(
    films_page: Open, films_call: CallTool, ratings: list[Rating], viewers: Viewers
) -> None:
    hosted = films_page("popularity")
    first = hosted.show(POPULAR, k=10)["items"]
    compare(hosted, "teenager")
    teenagers = {user for user, viewer in viewers.items() if 13 <= viewer["age"] <= 19}
    counts = Counter(rating.item for rating in ratings if rating.user in teenagers)
    other = films_call(POPULAR, {"k": 10, "user_group": ["teenager"]})["structuredContent"]["items"]
    assert rows(hosted, "Teenager") == [(item["title"], counts[item["item_id"]]) for item in other]
    places = {item["item_id"]: place for place, item in enumerate(first)}
    notes = [
        " ".join(note.split())
        for note in hosted.frame.get_by_role("table", name="Teenager").locator(".note").all_text_contents()
    ]
    for place, (item, note) in enumerate(zip(other, notes, strict=True)):
        before = places.get(item["item_id"])
        if before is None:
            assert note == "only here"
        elif before == place:
            assert note == "= same place"
        else:
            moved = before - place
            noun = "place" if abs(moved) == 1 else "places"
            assert note.endswith(f"{abs(moved)}{abs(moved)} {noun} {'higher' if moved > 0 else 'lower'}")
    n_both = sum(item["item_id"] in places for item in other)
    assert f"{n_both} films of 10 are in both lists." in hosted.frame.inner_text("#beside")
    assert rows(hosted, "All viewers") == listed({"items": first})


def test_groups_are_chosen_with_arrow_keys_and_escape_takes_them_away(films_page: Open) -> None:
    hosted = films_page("popularity")
    hosted.show(POPULAR, k=5)
    hosted.frame.get_by_role("radio", name="nobody").focus()
    hosted.tab.keyboard.press("ArrowRight")
    hosted.tab.keyboard.press("ArrowRight")
    hosted.frame.get_by_role("table", name="Teenager").wait_for()
    assert hosted.frame.get_by_role("radio", name="teenager").is_checked()
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert hosted.frame.evaluate(outline) == "solid"
    hosted.tab.keyboard.press("Escape")
    assert hosted.frame.get_by_role("table").count() == 1
    assert hosted.frame.get_by_role("radio", name="nobody").is_checked()
    assert hosted.frame.evaluate("document.activeElement.checked")


def test_the_other_groups_list_is_of_the_same_items(films_page: Open, films_call: CallTool) -> None:
    handle = films_call(FILTER, {"genres": ["Comedy"]})["structuredContent"]["item_set"]
    hosted = films_page("popularity")
    hosted.show(POPULAR, k=4, user_group="male", item_set=handle)
    compare(hosted, "female")
    assert hosted.calls == [(POPULAR, {"k": 4, "user_group": ["female"], "item_set": handle})]


def test_a_groups_list_is_compared_with_everybodys(films_page: Open, films_call: CallTool) -> None:
    hosted = films_page("popularity")
    hosted.show(POPULAR, k=4, user_group=["senior"])
    assert hosted.frame.get_by_role("radio", name="senior").count() == 0
    compare(hosted, "all viewers")
    assert rows(hosted, "All viewers") == listed(films_call(POPULAR, {"k": 4})["structuredContent"])
    assert hosted.calls == [(POPULAR, {"k": 4})]


def test_united_and_intersected_groups_have_their_names(films_page: Open) -> None:
    hosted = films_page("popularity")
    result = hosted.show(POPULAR, k=3, user_group=["young_adult", "female"])
    assert rows(hosted, "Young adult and female") == listed(result)
    assert hosted.frame.get_by_role("radio", name="young adult").count() == 1


def test_a_group_that_cannot_be_had_leaves_the_first_list(films_page: Open, films_call: CallTool) -> None:
    def only_everybody(name: str, arguments: Any) -> Wire:
        return films_call(name, {"user_group": "giants"} if "user_group" in arguments else arguments)

    hosted = films_page("popularity", call=only_everybody)
    result = hosted.show(POPULAR, k=3)
    hosted.frame.get_by_role("radio", name="kid").check()
    alert = hosted.frame.get_by_role("alert")
    alert.wait_for()
    assert "there is no group 'giants'" in alert.inner_text()
    assert rows(hosted, "All viewers") == listed(result)


def test_without_tools_there_is_no_choice_of_groups(films_page: Open) -> None:
    hosted = films_page("popularity", capabilities={})
    result = hosted.show(POPULAR, k=3)
    assert rows(hosted, "All viewers") == listed(result)
    assert hosted.frame.get_by_role("radio").count() == 0


def test_ten_rows_are_shown_first(films_page: Open) -> None:
    hosted = films_page("popularity")
    hosted.show(POPULAR, k=100)
    visible = hosted.frame.locator("tbody tr:visible")
    assert visible.count() == 10
    hosted.frame.get_by_role("button", name="Show all 100 films").click()
    assert visible.count() == 100


def test_titles_are_text(films_page: Open) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    items = [{"item_id": 1, "title": nasty, "n_interactions": 2}, {"item_id": 2, "title": None, "n_interactions": 1}]
    hosted = films_page("popularity")
    hosted.send_input({})
    hosted.send_result({"content": [], "structuredContent": {"message": nasty, "items": items}})
    hosted.frame.get_by_role("table").wait_for()
    assert rows(hosted, "All viewers") == [(nasty, 2), ("Untitled film 2", 1)]
    assert hosted.frame.locator("main img").count() == 0


@pytest.mark.parametrize(("theme", "width"), [("dark", 320), ("light", 1280)])
def test_axe_finds_nothing_and_nothing_is_cut_off(films_page: Open, theme: str, width: int) -> None:
    hosted = films_page("popularity", context={"theme": theme}, viewport=(width, 800))
    hosted.show(POPULAR, k=12)
    compare(hosted, "young adult")
    assert problems(hosted) == []
    assert hosted.frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
