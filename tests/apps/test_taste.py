"""A user's taste."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean
from typing import Any

import pytest

from mcp_server.apps import build_pages
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import find_spec_file, load_spec
from tests.apps.accessibility import problems
from tests.apps.conftest import Open
from tests.apps.hosted import CallTool, Hosted, Wire
from tests.conftest import Rating
from tests.names import HISTORY

Movies = dict[int, dict[str, Any]]

VIEWER = 233
"""A viewer with 110 ratings in 6 months, none of a film that is listed twice."""

ONE_DAY_VIEWER = 90
"""A viewer with 300 ratings, all on one day."""


def complete(hosted: Hosted) -> None:
    """Wait until the whole history is shown."""
    hosted.frame.get_by_text("From all").wait_for()


def table(hosted: Hosted, section: str) -> list[list[str]]:
    """The rows of the table behind a chart."""
    rows = hosted.frame.locator(f"#{section}-table tbody tr")
    return [
        cells.split("\t")
        for cells in rows.evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent).join('\\t'))"
        )
    ]


def figures(hosted: Hosted) -> dict[str, str]:
    """The large numbers, by what they are of."""
    return dict(
        zip(
            hosted.frame.locator(".figures dt").all_inner_texts(),
            hosted.frame.locator(".figures dd").all_inner_texts(),
            strict=True,
        )
    )


def rounded(number: float) -> str:
    """A number with one digit, halves rounded up, as people do."""
    return str(Decimal(number).quantize(Decimal("0.1"), ROUND_HALF_UP))


def month(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%b %Y").replace("Sep ", "Sept ")


@pytest.fixture(scope="module")
def own(ratings: list[Rating]) -> list[Rating]:
    """The viewer's ratings, oldest first."""
    return sorted((rating for rating in ratings if rating.user == VIEWER), key=lambda rating: rating.timestamp)


def test_the_figures_are_of_all_ratings(films_page: Open, own: list[Rating]) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    liked = sum(rating.rating >= 4 for rating in own) / len(own)
    assert figures(hosted) == {
        "ratings": str(len(own)),
        "on average, of 5": rounded(mean(rating.rating for rating in own)),
        "liked: rated 4 or more": f"{liked:.0%}",
    }
    assert hosted.frame.inner_text("header") == f"Taste of viewer {VIEWER}\n\nFrom all {len(own)} ratings."


def test_genres_are_counted_over_the_whole_history(films_page: Open, own: list[Rating], movies: Movies) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    by_genre: dict[str, list[float]] = {}
    for rating in own:
        for genre in movies[rating.item]["genres"]:
            by_genre.setdefault(genre, []).append(rating.rating)
    expected = {genre: (str(len(given)), rounded(mean(given))) for genre, given in by_genre.items()}
    shown = table(hosted, "kinds")
    assert {genre: (number, average) for genre, number, average in shown} == expected
    numbers = [int(number) for _, number, _ in shown]
    assert numbers == sorted(numbers, reverse=True)
    bars = hosted.frame.locator(".kinds-bars li").all_inner_texts()
    assert [" ".join(line.split()) for line in bars] == [
        f"{genre} {number} · {average} avg" for genre, number, average in shown[:8]
    ]


def test_ratings_are_counted_by_value(films_page: Open, own: list[Rating]) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    counts = Counter(rating.rating for rating in own)
    assert table(hosted, "ratings") == [[str(value), str(counts[value])] for value in range(1, 6)]
    heights = hosted.frame.locator(".ratings .columns rect").evaluate_all(
        "(bars) => bars.map((bar) => bar.height.baseVal.value)"
    )
    tallest = max(heights)
    assert [height / tallest for height in heights] == pytest.approx(
        [counts[value] / max(counts.values()) for value in range(1, 6)], abs=0.02
    )


def test_months_are_counted(films_page: Open, own: list[Rating]) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    by_month: dict[str, list[float]] = {}
    for rating in own:
        by_month.setdefault(month(rating.timestamp), []).append(rating.rating)
    expected = [[name, str(len(given)), rounded(mean(given))] for name, given in by_month.items()]
    assert table(hosted, "times") == expected


def test_arrow_keys_read_out_the_months_and_escape_goes_back(films_page: Open, own: list[Rating]) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    slider = hosted.frame.get_by_role("slider", name="Ratings over time")
    readout = hosted.frame.locator(".times .readout")
    resting = readout.inner_text()
    assert resting.startswith("Most: ")
    slider.press("Home")
    first = [rating.rating for rating in own if month(rating.timestamp) == month(own[0].timestamp)]
    noun = "rating" if len(first) == 1 else "ratings"
    said = f"{month(own[0].timestamp)}: {len(first)} {noun}, {rounded(mean(first))} on average"
    assert readout.inner_text() == said
    assert slider.get_attribute("aria-valuetext") == said
    slider.press("ArrowRight")
    assert not readout.inner_text().startswith(month(own[0].timestamp))
    slider.press("ArrowLeft")
    assert readout.inner_text() == said
    slider.press("End")
    assert readout.inner_text().startswith(month(own[-1].timestamp))
    slider.press("Escape")
    assert readout.inner_text() == resting
    box = slider.bounding_box()
    assert box is not None
    hosted.tab.mouse.move(box["x"] + 3, box["y"] + 20)
    assert readout.inner_text() == said


def test_the_latest_are_listed_and_the_rest_can_be_shown(films_page: Open, own: list[Rating], movies: Movies) -> None:
    hosted = films_page("taste")
    result = hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    lines = hosted.frame.locator(".recent-list li:visible")
    assert lines.count() == 8
    newest = result["items"][0]
    movie = movies[newest["item_id"]]
    day = datetime.fromisoformat(newest["date"])
    said = lines.first.inner_text()
    assert said.startswith(f"{movie['title']}\n{movie['year']} · {', '.join(movie['genres'])}")
    assert f"{newest['rating']:g} of 5" in hosted.frame.locator(".recent-list .for-screen-readers").first.inner_text()
    assert f"{day.day} {month(int(day.replace(tzinfo=UTC).timestamp()))}" in said
    hosted.frame.get_by_role("button", name=f"Show all {len(own)}").press("Enter")
    assert lines.count() == len(own)
    titles = Counter(hosted.frame.locator(".recent-list .title").all_inner_texts())
    assert titles == Counter(movies[rating.item]["title"] for rating in own)


def test_ratings_of_a_single_day_need_no_chart_of_time(films_page: Open) -> None:
    hosted = films_page("taste")
    hosted.show(HISTORY, user=ONE_DAY_VIEWER)
    complete(hosted)
    assert figures(hosted)["all on one day"] == "31 Mar 1998"
    assert hosted.frame.get_by_role("slider").count() == 0


def test_without_tools_the_page_shows_what_it_has(films_page: Open) -> None:
    hosted = films_page("taste", capabilities={})
    hosted.show(HISTORY, user=ONE_DAY_VIEWER, k=15, detail="full")
    assert "From 15 of 300 ratings." in hosted.frame.inner_text("header")
    assert sum(int(number) for _, number in table(hosted, "ratings")) == 15
    assert table(hosted, "kinds")
    assert hosted.calls == []


def test_without_tools_and_details_there_are_no_genres(films_page: Open) -> None:
    hosted = films_page("taste", capabilities={})
    hosted.show(HISTORY, user=ONE_DAY_VIEWER, k=15)
    assert hosted.frame.locator("section.kinds").count() == 0
    assert hosted.frame.locator("section.ratings").count() == 1


def test_what_cannot_be_read_is_said(films_page: Open, films_call: CallTool) -> None:
    answered: list[Wire] = []

    def only_once(name: str, arguments: Any) -> Wire:
        if answered:
            return {"content": [{"type": "text", "text": "The catalogue is away"}], "isError": True}
        answered.append(films_call(name, arguments))
        return answered[0]

    hosted = films_page("taste", call=only_once)
    hosted.show(HISTORY, user=ONE_DAY_VIEWER)
    hosted.frame.get_by_text("Not all can be shown: The catalogue is away.").wait_for()
    assert "From 20 of 300 ratings." in hosted.frame.inner_text("header")


def test_what_is_open_and_focused_stays_so_when_the_rest_arrives(films_page: Open, films_call: CallTool) -> None:
    hosted: Hosted

    def open_table_first(name: str, arguments: Any) -> Wire:
        if arguments.get("k") == 100:
            hosted.frame.evaluate("document.querySelector('#ratings-table').open = true")
            hosted.frame.evaluate("document.querySelector('#ratings-table-summary').focus()")
        return films_call(name, arguments)

    hosted = films_page("taste", call=open_table_first)
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    assert hosted.frame.evaluate("document.querySelector('#ratings-table').open")
    assert hosted.frame.evaluate("document.activeElement.id") == "ratings-table-summary"


@pytest.mark.parametrize(("theme", "width"), [("dark", 320), ("light", 1280)])
def test_axe_finds_nothing_and_nothing_is_cut_off(films_page: Open, theme: str, width: int) -> None:
    hosted = films_page("taste", context={"theme": theme}, viewport=(width, 800))
    hosted.show(HISTORY, user=VIEWER)
    complete(hosted)
    for summary in hosted.frame.locator("summary").all():
        summary.click()
    assert problems(hosted) == []
    assert hosted.frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def entries(dates: list[str], given: list[float]) -> Wire:
    """A history by hand: of a catalogue with other ratings than MovieLens has."""
    items = [
        {"item_id": number, "title": f"Film {number}", "rating": rating, "date": date}
        for number, (date, rating) in enumerate(zip(dates, given, strict=True))
    ]
    return {"content": [], "structuredContent": {"message": "", "items": items, "total": len(items), "remaining": 0}}


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["1998-02-27", "1998-03-02", "1998-03-02"], {"27 Feb 1998": 1, "2 Mar 1998": 2}),
        (["1997-11-30", "1998-02-01"], {"Nov 1997": 1, "Feb 1998": 1}),
        (["1991-01-01", "1998-12-31", "1998-01-01"], {"1991": 1, "1998": 2}),
    ],
    ids=["days", "months", "years"],
)
def test_time_is_divided_as_finely_as_there_is_room(
    films_page: Open, dates: list[str], expected: dict[str, int]
) -> None:
    hosted = films_page("taste", capabilities={})
    hosted.send_input({"user": 1})
    hosted.send_result(entries(dates, [3.0] * len(dates)))
    hosted.frame.locator("#times").wait_for()
    assert {when: int(number) for when, number, _ in table(hosted, "times")} == expected


@pytest.mark.parametrize(
    ("span", "liked", "given", "expected"),
    [
        ([0.5, 5], 4, [0.5, 4.5, 4.5, 2], {"0.5": 1, "2": 1, "4.5": 2}),
        (
            [0, 100],
            60,
            [*range(0, 100, 4), 100],
            {
                f"from {low}": number
                for low, number in zip(range(0, 100, 10), [3, 2, 3, 2, 3, 2, 3, 2, 3, 3], strict=True)
            },
        ),
        (None, 2, [3, 1, 3], {"1": 1, "2": 0, "3": 2}),
    ],
    ids=["half stars", "percent", "no range"],
)
def test_other_scales_of_rating(
    films_page: Open,
    span: list[float] | None,
    liked: float,
    given: list[float],
    expected: dict[str, int],
) -> None:
    page = build_pages(DatasetFacts(load_spec(find_spec_file("ml-100k")), None))["ui://recsys/taste"]
    other = dataclasses.replace(page, about={**page.about, "rating": {"range": span, "liked": liked}})
    hosted = films_page("taste", document=other.html(), capabilities={})
    hosted.send_input({"user": 1})
    hosted.send_result(entries(["1998-01-01"] * len(given), given))
    hosted.frame.locator("#ratings").wait_for()
    assert {value: int(number) for value, number in table(hosted, "ratings")} == expected
