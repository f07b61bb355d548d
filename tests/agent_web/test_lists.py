"""Which lists an answer is shown with, and what their lines say."""

from typing import Any

from agent_client.events import Answered, CallEnded
from agent_client.web.lists import Listing, listing_of, listings_of
from agent_client.web.starters import first_question
from agent_client.web.words import FieldWords, Words


def ended(tool: str, result: dict[str, Any] | None, failed: bool = False, **arguments: Any) -> CallEnded:
    return CallEnded("1", tool, arguments, "", result, failed, 0.1)


def listed(result: dict[str, Any]) -> Listing:
    listing = listing_of(ended("some_tool", result))
    assert listing is not None
    return listing


TOP = {
    "message": "2 books for reader 7.",
    "items": [
        {"book_id": 11, "title": "Emma", "rank": 1, "fit": 100.0, "because": [{"book_id": 3, "title": "Persuasion"}]},
        {"book_id": 12, "title": "Middlemarch", "rank": 2, "fit": 98.7, "because": []},
    ],
}

HISTORY = {
    "items": [
        {"book_id": 3, "title": "Persuasion", "rating": 5.0, "date": "2024-03-02"},
        {"book_id": 4, "title": "Ulysses", "rating": 1.0, "date": "2024-03-01"},
        {"book_id": 5, "title": "Dubliners", "rating": 4.0, "date": "2024-02-11"},
    ]
}


def test_a_line_has_name_id_measure_and_the_other_fields_with_labels() -> None:
    listing = listed(TOP)
    first = listing.rows[0]
    assert (listing.caption, listing.measure) == ("2 books for reader 7.", "Fit")
    assert (first.name, first.id, first.number, first.shown) == ("Emma", "11", 100, "100")
    assert first.details == [("Rank", "1"), ("Because", "Persuasion")]
    assert listing.rows[1].details == [("Rank", "2")]


def test_the_measure_is_told_by_its_name_among_several_numbers() -> None:
    entry = {"title": "Emma", "release_year": 1815, "duration": 900, "imdb_rating": 7.5, "pages": 474}
    listing = listed({"items": [entry]})
    assert listing.measure == "Imdb rating"
    assert ("Release year", "1815") in listing.rows[0].details


def test_numbers_without_a_known_name_are_no_measure_unless_there_is_only_one() -> None:
    assert listed({"items": [{"title": "Emma", "pages": 474}]}).measure == "Pages"
    assert listed({"items": [{"title": "Emma", "pages": 474, "weight": 300}]}).measure == ""


def test_years_dates_and_truth_values_are_no_measure() -> None:
    assert listed({"items": [{"title": "Emma", "release_year": 1815, "in_print": True}]}).measure == ""


def test_a_thing_without_a_title_is_named_by_its_id() -> None:
    listing = listed({"items": [{"title": "Emma", "sku": "B-1"}, {"title": None, "sku": "B-2"}]})
    assert [row.name for row in listing.rows] == ["Emma", "ID B-2"]


def test_ratings_with_days_are_a_history() -> None:
    assert listed(HISTORY).over_time
    assert not listed(TOP).over_time


def test_days_out_of_order_and_a_single_day_are_no_history() -> None:
    books = [
        {"title": title, "rating": rating, "published": day}
        for title, rating, day in (
            ("Emma", 4, "1815-12-23"),
            ("Ulysses", 3, "1922-02-02"),
            ("Middlemarch", 5, "1871-12-01"),
        )
    ]
    assert not listed({"items": books}).over_time
    assert listed({"items": sorted(books, key=lambda book: str(book["published"]))}).over_time
    assert not listed({"items": [{**book, "published": "1922-02-02"} for book in books]}).over_time


def test_groups_that_are_years_or_decades_are_over_time_in_any_order() -> None:
    rows = [{"group": {"decade": name}, "mean_rating": 3.5} for name in ("1990s", "1920s", "1950s", None)]
    listing = listed({"rows": rows})
    assert listing.over_time
    assert [row.day for row in listing.rows] == ["1990s", "1920s", "1950s", ""]


def test_a_number_of_items_is_no_id() -> None:
    row = listed({"rows": [{"genre": "Drama", "n_items": 716, "per_item": 55.7, "mean_rating": 3.7}]}).rows[0]
    assert row.id == ""
    assert row.details == [("Items", "716"), ("Per item", "55.7")]


def test_labels_and_units_are_those_that_the_server_has_published() -> None:
    words = Words({"imdb_rating": FieldWords("IMDb rating", "of 10"), "pages": FieldWords("pages", "pages")})
    entry = {"title": "Emma", "details": {"imdb_rating": 7.5, "pages": 474, "year": 1815}}
    listing = listing_of(ended("some_tool", {"items": [entry]}), words)
    assert listing is not None
    assert (listing.measure, listing.rows[0].shown) == ("IMDb rating", "7.5 of 10")
    assert listing.rows[0].details == [("Pages", "474 pages"), ("Year", "1815")]
    assert words.value("", {"get": ["imdb_rating"], "k": 5}) == "get IMDb rating, k 5"


def test_results_without_named_things_have_no_list() -> None:
    for result in (None, {}, {"items": []}, {"items": [1, 2]}, {"percentage": 12.5}, {"rows": [{"value": 1}]}):
        assert listing_of(ended("some_tool", result)) is None


def test_users_are_named_by_their_ids() -> None:
    users = [
        {"user": 12, "groups": {"tier": "gold"}, "fit": 99.1},
        {"user": 7, "groups": {"tier": "silver"}, "fit": 98},
    ]
    listing = listed({"users": users})
    assert [(row.name, row.id, row.number) for row in listing.rows] == [("User 12", "", 99.1), ("User 7", "", 98)]
    assert listing.rows[0].details == [("Groups", "tier gold")]


def test_groups_are_named_by_what_makes_them() -> None:
    rows = [{"genres": "Drama", "n_items": 7, "n_loans": 12}, {"genres": "Comedy", "n_items": 3, "n_loans": 2}]
    assert [row.name for row in listed({"rows": rows}).rows] == ["Drama", "Comedy"]
    pairs = [
        {"group": {"genres": "Drama", "gender": "female"}, "n_loans": 3},
        {"group": {"genres": "War", "gender": None}},
    ]
    assert [row.name for row in listed({"rows": pairs}).rows] == ["Drama, female", "War, not known"]
    assert listing_of(ended("some_tool", {"rows": [{"genres": "Drama"}, {"genres": "Drama"}]})) is None


def test_lists_under_another_key_are_found() -> None:
    assert [row.name for row in listed({"found": [{"product_name": "Lamp"}]}).rows] == ["Lamp"]


def test_a_list_is_shown_if_the_answer_tells_of_it() -> None:
    candidates = {"items": [{"book_id": number, "title": f"Volume {number}"} for number in range(10)]}
    answer = Answered("Read Emma and Middlemarch.", [ended("filter", candidates), ended("top", TOP)])
    assert [listing.caption for listing in listings_of(answer)] == ["2 books for reader 7."]


def test_two_lists_that_the_answer_tells_of_are_both_shown_in_their_order() -> None:
    text = "Emma and Middlemarch are like Persuasion, which was rated above Ulysses."
    shown = listings_of(Answered(text, [ended("history", HISTORY), ended("top", TOP)]))
    assert [listing.rows[0].name for listing in shown] == ["Persuasion", "Emma"]


def test_a_list_that_a_later_one_shows_whole_is_left_out() -> None:
    first = {"items": [{"title": "Emma"}, {"title": "Middlemarch"}]}
    shown = listings_of(Answered("Emma, Middlemarch", [ended("filter", first), ended("top", TOP)]))
    assert [listing.measure for listing in shown] == ["Fit"]


def test_the_last_list_is_shown_if_the_answer_names_nothing() -> None:
    shown = listings_of(Answered("Here they are.", [ended("history", HISTORY), ended("top", TOP)]))
    assert [listing.caption for listing in shown] == ["2 books for reader 7."]


DETAILS = {
    "items": [{"book_id": 11, "title": "Emma", "pages": 474}, {"book_id": 12, "title": "Middlemarch", "pages": 900}]
}


def test_of_two_lists_of_the_same_the_one_that_the_server_has_a_page_for_is_shown() -> None:
    answer = Answered("Emma, Middlemarch", [ended("top", TOP), ended("details", DETAILS)])
    assert [listing.measure for listing in listings_of(answer, with_cards={"details"})] == ["Pages"]
    assert [listing.measure for listing in listings_of(answer, with_cards={"top"})] == ["Fit"]


def test_the_list_with_reasons_is_shown_rather_than_a_later_one_without() -> None:
    answer = Answered("Emma and Middlemarch, because of Persuasion.", [ended("top", TOP), ended("details", DETAILS)])
    assert [listing.measure for listing in listings_of(answer)] == ["Fit"]


def test_a_history_of_which_only_the_reasons_are_named_is_not_shown() -> None:
    history = {"items": HISTORY["items"][:2]}
    answer = Answered("Emma, Middlemarch: because of Persuasion.", [ended("top", TOP), ended("history", history)])
    assert [listing.caption for listing in listings_of(answer)] == ["2 books for reader 7."]


def test_failed_calls_have_no_list() -> None:
    assert listings_of(Answered("Sorry.", [ended("top", TOP, failed=True)])) == []


def test_a_name_is_not_found_in_the_middle_of_a_word() -> None:
    others = {"items": [{"title": "It"}, {"title": "Up"}]}
    shown = listings_of(Answered("Emma: a witty supper.", [ended("others", others), ended("top", TOP)]))
    assert [listing.measure for listing in shown] == ["Fit"]


def test_large_numbers_are_grouped_and_long_texts_shortened() -> None:
    row = listed({"items": [{"title": "Emma", "n_interactions": 12345, "story": "word " * 100}]}).rows[0]
    assert row.shown == "12,345"
    assert len(row.details[0][1]) <= 160


def test_the_question_of_a_prompt_is_its_beginning_in_peoples_words() -> None:
    for text, question in (
        ("Recommend 5 films to viewer 1: call some_tool with k=5. Show titles.", "Recommend 5 films to viewer 1."),
        ('Which films are like "Emma"? Look it up.', 'Which films are like "Emma"?'),
        ("What is ideal for this genre: Drama? Find them.", "What is ideal for this genre: Drama?"),
        ("What is the ideal page_count of novels? Find them.", ""),
    ):
        assert first_question(text) == question
