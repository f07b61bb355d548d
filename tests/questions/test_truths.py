"""Truths, computed another way: by hand on a small catalogue, and from the films' raw files."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from mcp_server.questions.ledger import Ledger
from mcp_server.questions.sentences import find_sentences
from mcp_server.questions.truth import ListTruth, NumberTruth, Question
from mcp_server.questions.writing import FAMILIES, write_questions
from tests.conftest import Rating
from tests.reading.records import read_folder

DATASET = """
name: shelf
title: A shelf of books
nouns: {item: book, items: books, user: reader, users: readers, interaction: rating, interactions: ratings}
items:
  id: id
  id_type: integer
  title: title
  sources: [{file: books.csv}]
  fields:
    - {name: title, kind: text, filter: true}
    - {name: topics, kind: category, many: true, separator: "|", filter: true}
    - {name: pages, kind: number, integer: true, filter: true}
    - {name: year, kind: number, integer: true, filter: true}
users:
  id: id
  id_type: string
  sources: [{file: readers.csv}]
  fields:
    - {name: town, kind: category}
  groups: [town]
interactions:
  {sources: [{file: ratings.csv}], user: reader, item: book, rating: stars, timestamp: day, like_threshold: 4}
"""

BOOKS = """id,title,topics,pages,year
21,Night Trains,travel|crime,200,1995
22,Salt and Bread,cooking,120,2001
23,The Quiet Harbour,crime,310,2001
24,Over the Pass,travel,250,2010
25,Soup,cooking|travel,90,2012
"""

READERS = "id,town\nann,Oslo\nbea,Oslo\ncem,Turin\ndan,Turin\n"

RATINGS = """reader,book,stars,day
ann,21,5,2024-01-05
ann,22,2,2024-01-06
ann,24,4,2024-02-01
bea,21,4,2024-01-07
bea,23,3,2024-01-09
cem,21,1,2024-02-02
cem,25,5,2024-02-03
dan,22,4,2024-02-04
"""

BY_HAND: dict[str, dict[str, Any]] = {
    "How many books are in the catalogue?": {"values": [5]},
    "How many readers are there?": {"values": [4]},
    "How many books are there whose topics include travel?": {"values": [3]},
    "What is the title of book 23?": {"names": ["The Quiet Harbour"]},
    'What are the topics of the book "Night Trains"?': {"names": ["travel", "crime"], "whole": True},
    "What is the town of reader cem?": {"names": ["Turin"]},
    "List all books whose topics include cooking or crime.": {"all_of": [21, 22, 23, 25], "allowed": [21, 22, 23, 25]},
    "List all books whose topics include travel, but leave out those whose topics include crime.": {
        "all_of": [24, 25],
        "allowed": [24, 25],
    },
    "Which book has the most ratings by all readers?": {"first": [21]},
    "Which books has reader ann rated 4 or more?": {"all_of": [21, 24], "allowed": [21, 24]},
    "Which books has reader ann rated 2 or less?": {"all_of": [22], "allowed": [22]},
    "Which books are in the history of both reader ann and reader bea?": {"all_of": [21], "allowed": [21]},
    "Which book has the most recent rating of reader ann?": {"first": [24]},
    "How many books whose topics include travel are in the history of reader ann?": {"values": [2]},
    'What rating has reader cem given for "Soup"?': {"values": [5], "context": [2012]},
    'What percentage of all readers like the book "Night Trains" (liking is a rating of 4 or more)?': {
        "values": [50],
        "tolerance": 0.5,
        "percent": True,
    },
    "What percentage of all readers like at least one of the books whose topics include cooking (liking is a rating "
    "of 4 or more)?": {"values": [50], "tolerance": 0.5, "percent": True},
    "How many ratings do the books whose topics include crime have in all?": {"values": [4], "context": [2]},
    "Which of the topics do most books of the catalogue have?": {"names": ["travel"]},
    "What is the title of book 21?\nHow many readers have at least one rating for it?": {
        "values": [3],
        "context": [1995],
    },
}


def _questions(ledger: Ledger, seeds: Iterable[int]) -> list[Question]:
    sentences = find_sentences(ledger, 0)
    return [
        question
        for seed in seeds
        for family in FAMILIES
        for question in write_questions(ledger, sentences, family, seed)
    ]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Question]:
    """Questions about five books and four readers, by their words."""
    folder: Path = tmp_path_factory.mktemp("shelf")
    for name, text in {
        "dataset.yaml": DATASET,
        "books.csv": BOOKS,
        "readers.csv": READERS,
        "ratings.csv": RATINGS,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {question.words: question for question in _questions(Ledger(read_folder(folder)), range(30))}


@pytest.mark.parametrize("words", BY_HAND)
def test_truths_of_a_small_catalogue(shelf: dict[str, Question], words: str) -> None:
    truth = shelf[words].truth.model_dump(exclude_defaults=True)
    assert {name: value for name, value in truth.items() if name not in ("part", "field")} == BY_HAND[words]


def test_every_number_of_the_small_catalogue_that_is_between_limits(shelf: dict[str, Question]) -> None:
    asked = re.compile(r"List all books whose topics include (\w+) and whose pages are (above|below) (\d+)\.")
    rows = [line.split(",") for line in BOOKS.splitlines()[1:]]
    found = {words: match for words in shelf if (match := asked.fullmatch(words))}
    assert found
    for words, match in found.items():
        topic, side, limit = match[1], match[2], int(match[3])
        expected = [
            int(row[0])
            for row in rows
            if topic in row[2].split("|") and (int(row[3]) > limit if side == "above" else int(row[3]) < limit)
        ]
        assert isinstance(truth := shelf[words].truth, ListTruth)
        assert truth.all_of == truth.allowed == expected


@pytest.fixture(scope="module")
def of_films(films_ledger: Ledger) -> list[Question]:
    return _questions(films_ledger, range(6))


def _matching(questions: list[Question], pattern: str) -> list[tuple[re.Match[str], Question]]:
    found = [(match, each) for each in questions if (match := re.fullmatch(pattern, each.words))]
    assert found, pattern
    return found


def _number(question: Question) -> float:
    assert isinstance(question.truth, NumberTruth)
    return question.truth.values[0]


def _month(rating: Rating) -> str:
    return datetime.fromtimestamp(rating.timestamp, UTC).strftime("%B %Y")


def _list(question: Question) -> ListTruth:
    assert isinstance(question.truth, ListTruth)
    return question.truth


def test_histories_of_viewers(of_films: list[Question], ratings: list[Rating]) -> None:
    of_user: dict[int, list[Rating]] = defaultdict(list)
    for rating in ratings:
        of_user[rating.user].append(rating)
    for match, question in _matching(of_films, r"How many different films are in the history of viewer (\d+)\?"):
        assert _number(question) == len(of_user[int(match[1])])
    for match, question in _matching(of_films, r"How many films has viewer (\d+) rated exactly (\d)\?"):
        assert _number(question) == sum(each.rating == int(match[2]) for each in of_user[int(match[1])])
    month = r"How many films did viewer (\d+) rate in (\w+ \d{4})\?"
    for match, question in _matching(of_films, month):
        assert _number(question) == sum(_month(each) == match[2] for each in of_user[int(match[1])])
    for match, question in _matching(of_films, r"Which films has viewer (\d+) rated (\d) or (more|less)\?"):
        limit, more = int(match[2]), match[3] == "more"
        fits = {r.item for r in of_user[int(match[1])] if (r.rating >= limit if more else r.rating <= limit)}
        assert set(_list(question).all_of) == fits
    both = r"Which films are in the history of both viewer (\d+) and viewer (\d+)\?"
    for match, question in _matching(of_films, both):
        first, second = ({each.item for each in of_user[int(user)]} for user in match.groups())
        assert set(_list(question).all_of) == first & second
    for match, question in _matching(of_films, r"Which film has the most recent rating of viewer (\d+)\?"):
        assert _list(question).first == [max(of_user[int(match[1])], key=lambda each: each.timestamp).item]


def test_popular_films(of_films: list[Question], ratings: list[Rating], viewers: dict[int, dict[str, Any]]) -> None:
    def check(pattern: str, chosen: Callable[[re.Match[str], Rating], bool]) -> None:
        for match, question in _matching(of_films, pattern):
            counts = Counter(rating.item for rating in ratings if chosen(match, rating))
            k = int(match["k"] or 1)
            best = [item for item, _ in counts.most_common(k)]
            truth = _list(question)
            assert (truth.first, set(truth.all_of or truth.first)) == (best[:1], set(best)), question.words

    which = r"Which (?P<k>\d+)? ?films? (?:has|have) the most ratings by "
    sexes = {"male": "M", "female": "F"}
    check(which + r"all viewers\?", lambda match, rating: True)
    check(which + r"all viewers in (?P<month>\w+ \d{4})\?", lambda match, rating: _month(rating) == match["month"])
    check(
        which + r"the viewers whose gender is (?P<sex>\w+)\?",
        lambda match, rating: viewers[rating.user]["gender"] == sexes[match["sex"]],
    )


def test_shares_and_means(
    of_films: list[Question],
    ratings: list[Rating],
    movies: dict[int, dict[str, Any]],
    viewers: dict[int, dict[str, Any]],
) -> None:
    liking = r" \(liking is a rating of 4 or more\)\?"
    likers: dict[str, set[int]] = defaultdict(set)
    for rating in ratings:
        if rating.rating >= 4:
            likers[movies[rating.item]["title"]].add(rating.user)
    of_sex = {
        name: {user for user, viewer in viewers.items() if viewer["gender"] == letter}
        for name, letter in {"female": "F", "male": "M"}.items()
    }
    pattern = r'What percentage of all viewers like the film "(.+)"' + liking
    for match, question in _matching(of_films, pattern):
        assert _number(question) == pytest.approx(100 * len(likers[match[1]]) / 943, abs=0.001)
    pattern = r'What percentage of the viewers whose gender is (\w+) like the film "(.+)"' + liking
    for match, question in _matching(of_films, pattern):
        assert _number(question) == pytest.approx(
            100 * len(likers[match[2]] & of_sex[match[1]]) / len(of_sex[match[1]]), abs=0.001
        )
    for match, question in _matching(
        of_films, r"What percentage of the ratings of the films whose genres include (.+) are likes \(.*\)\?"
    ):
        chosen = [each.rating >= 4 for each in ratings if match[1] in movies[each.item]["genres"]]
        assert _number(question) == pytest.approx(100 * sum(chosen) / len(chosen), abs=0.001)
    decade = (
        r"What is the mean of all ratings of the films whose release year is from (\d{4}) to (\d{4}), both included\?"
    )
    for match, question in _matching(of_films, decade):
        begin, end = map(int, match.groups())
        years = {item: movie.get("year") or 0 for item, movie in movies.items()}
        chosen_ratings = [each.rating for each in ratings if begin <= years[each.item] <= end]
        assert _number(question) == pytest.approx(mean(chosen_ratings), abs=0.0001)
    group = (
        r"What is the mean of all ratings of the films whose genres include (.+), counting only viewers whose gender "
        r"is (\w+)\?"
    )
    for match, question in _matching(of_films, group):
        chosen_ratings = [
            each.rating for each in ratings if each.user in of_sex[match[2]] and match[1] in movies[each.item]["genres"]
        ]
        assert _number(question) == pytest.approx(mean(chosen_ratings), abs=0.0001)


def test_means_of_single_films(
    of_films: list[Question], ratings: list[Rating], movies: dict[int, dict[str, Any]]
) -> None:
    of_item: dict[int, list[float]] = defaultdict(list)
    for rating in ratings:
        of_item[rating.item].append(rating.rating)
    for match, question in _matching(of_films, r'What is the mean of all ratings of the film "(.+)"\?'):
        (item,) = (item for item, movie in movies.items() if movie["title"] == match[1])
        assert _number(question) == pytest.approx(mean(of_item[item]), abs=0.0001)
    best = (
        r"Among the films whose genres include (.+) that have at least (\d+) ratings, which one has the highest mean "
        r"rating\?"
    )
    for match, question in _matching(of_films, best):
        enough = [
            item
            for item, given in of_item.items()
            if len(given) >= int(match[2]) and match[1] in movies[item]["genres"]
        ]
        assert _list(question).first == [max(enough, key=lambda item: mean(of_item[item]))]


def test_recommendations_are_of_their_kind_and_unseen(
    of_films: list[Question], ratings: list[Rating], movies: dict[int, dict[str, Any]]
) -> None:
    seen: dict[int, set[int]] = defaultdict(set)
    for rating in ratings:
        seen[rating.user].add(rating.item)
    pattern = r"Recommend (\d) films whose genres include (.+) to viewer (\d+), none of them from the history\."
    for match, question in _matching(of_films, pattern):
        allowed = set(_list(question).allowed or [])
        of_kind = {item for item, movie in movies.items() if match[2] in movie["genres"]}
        assert allowed <= of_kind - seen[int(match[3])]
        titles = {movies[item]["title"] for item in seen[int(match[3])]}
        left_out = of_kind - seen[int(match[3])] - allowed
        assert {movies[item]["title"] for item in left_out} <= titles  # the same film, listed twice
        assert _list(question).count == int(match[1])


def test_sentences_are_of_one_film(of_films: list[Question], movies: dict[int, dict[str, Any]]) -> None:
    searches = [question for question in of_films if question.family == "search"]
    assert searches
    for question in searches:
        sentence = re.search(r'"(.+)"', question.words)
        assert sentence is not None
        assert [item for item, movie in movies.items() if sentence[1] in (movie.get("storyline") or "")] == _list(
            question
        ).first
